import type { HookPlace } from '@orch/core'
import { type Paint, painter } from '../style.ts'
import { visible, visibleLines } from '../text.ts'
import { dedupeErrors } from './dedupe.ts'
import type { Problem } from './problem.ts'

export interface DescribeOptions {
  readonly color: boolean
  /** With the stack of every problem, not only of bugs. */
  readonly verbose: boolean
}

/**
 * Anything that was thrown, in words for people: `error[CODE]: message`, where, the detail as it is,
 * the causes, and `hint: …`. Problems stand apart by an empty line; no line break at the end.
 */
export function describeError(error: unknown, { color, verbose }: DescribeOptions): string {
  const paint = painter(color)
  return dedupeErrors([error])
    .map(problem => describeProblem(problem, paint, verbose).join('\n'))
    .join('\n\n')
}

function describeProblem(problem: Problem, paint: Paint, verbose: boolean): string[] {
  const { code, message, places, detail, causes, stack, bug, hint } = problem
  const where = placesText(places)
  return [
    ...block(paint('red', `error[${visible(code)}]:`), message),
    ...(where === '' ? [] : [paint('dim', `  in ${where}`)]),
    ...(detail === undefined ? [] : visibleLines(detail.replace(/^(?:\r?\n)+|\s+$/g, ''))),
    ...causes.flatMap(cause => block(paint('dim', '  cause:'), cause)),
    ...(stack !== undefined && (bug || verbose)
      ? visibleLines(stack).map(line => paint('dim', line))
      : []),
    ...(hint === undefined ? [] : block(paint('cyan', 'hint:'), hint)),
  ]
}

/** A title and a text; further lines are set in, so that they cannot pass for a title. */
function block(title: string, text: string): string[] {
  const [first = '', ...more] = visibleLines(text.trim())
  return [`${title} ${first}`, ...more.map(line => `    ${line}`)]
}

/** `api linux/amd64, api linux/arm64 (plugin go, hook compile)` */
function placesText(places: readonly HookPlace[]): string {
  const wheres = distinct(places.map(({ image, platform }) => words([image, platform], ' ')))
  const taps = distinct(places.map(({ plugin, hook }) => `plugin ${plugin}, hook ${hook}`))
  const tap = taps.map(visible).join('; ')
  const where = wheres.map(visible).join(', ')
  return where === '' ? tap : `${where} (${tap})`
}

function words(items: readonly (string | undefined)[], separator: string): string {
  return items.filter(item => item !== undefined).join(separator)
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts.filter(text => text !== ''))]
}
