import { HookError, type HookPlace } from '@orch/core'
import { messageOf } from '@orch/oci'
import { type Failure, isAbort, isOrchError, isSystemError } from './failure.ts'

/** One thing that went wrong, in the words that are shown for it, and everywhere it did. */
export interface Problem {
  readonly code: string
  /** What went wrong, without the place and without `detail`. */
  readonly message: string
  readonly hint: string | undefined
  /** Text to be shown as it is, such as a compiler's output. */
  readonly detail: string | undefined
  /** Why, from the nearest cause down; nothing that was said before. */
  readonly causes: readonly string[]
  /** The lines `at …` of the stack. */
  readonly stack: string | undefined
  /** Nobody meant this to happen: the stack is of use. */
  readonly bug: boolean
  readonly places: readonly HookPlace[]
}

const maxCauses = 8
const systemHints: Readonly<Record<string, string>> = {
  ENOSPC: 'Free space on that file system, or choose a place on another one.',
  EDQUOT: 'Free space within the quota, or choose a place on another file system.',
  EACCES: 'Check its owner and mode, or choose a place that you may use.',
  EPERM: 'Check its owner and mode, or choose a place that you may use.',
  EROFS: 'Choose a place that can be written to.',
  EMFILE: 'Raise the limit of open files: ulimit -n 4096.',
}
const reportHint = 'This is a bug in orch. Please report it with the lines above.'

/** Puts a failure into words. */
export function problemOf({ error, place }: Failure): Problem {
  const places = place === undefined ? [] : [place]
  if (isAbort(error)) {
    const message = 'the build was interrupted'
    return { ...nothing, code: 'INTERRUPTED', message, places: [] }
  }
  const chain = chainOf(error)
  const detail = chain.map(detailOf).find(text => text !== undefined)
  const message = bareMessage(error, place, detail)
  const code = codeOf(error)
  const bug = isBug(error)
  const fallback = bug ? blame(place) : systemHints[code]
  const said = `${message}\n${detail ?? ''}`
  return {
    code,
    message,
    hint: chain.map(hintOf).find(text => text !== undefined) ?? fallback,
    detail,
    causes: causesOf(chain.slice(1), said),
    stack: stackOf(chain),
    bug,
    places,
  }
}

const nothing = {
  hint: undefined,
  detail: undefined,
  causes: [],
  stack: undefined,
  bug: false,
} as const

/** The error, its cause, the cause's cause, and so on. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  let at = error
  while (at !== undefined && at !== null && chain.length <= maxCauses && !chain.includes(at)) {
    chain.push(at)
    at = at instanceof Error ? at.cause : undefined
  }
  return chain.length === 0 ? [error] : chain
}

function codeOf(error: unknown): string {
  return isOrchError(error) || isSystemError(error) ? error.code : 'INTERNAL'
}

function hintOf(error: unknown): string | undefined {
  return isOrchError(error) ? error.hint : undefined
}

function detailOf(error: unknown): string | undefined {
  const detail = error instanceof Error && 'detail' in error ? error.detail : undefined
  return typeof detail === 'string' && detail.trim() !== '' ? detail : undefined
}

/** The message without what is shown beside it: its place, and the detail at its end. */
function bareMessage(
  error: unknown,
  place: HookPlace | undefined,
  detail: string | undefined,
): string {
  const whole = messageOf(error)
  const withoutDetail = detail === undefined ? whole : whole.replace(detail.trim(), () => '').trim()
  const message = withoutDetail === '' ? whole : withoutDetail
  const prefix = prefixesOf(place).find(text => message.startsWith(text)) ?? ''
  return message.slice(prefix.length) || message
}

/** How messages name the place that is shown beside them. */
function prefixesOf(place: HookPlace | undefined): string[] {
  if (place === undefined) return []
  const { plugin, hook, image, platform } = place
  const where = [image, platform].filter(item => item !== undefined).join(' ')
  return [
    `plugin ${plugin}, hook ${hook}${where === '' ? '' : `, ${where}`}: `,
    `image ${image} (${platform}): `,
    `image ${image}: `,
    `${where}: `,
  ]
}

function causesOf(chain: readonly unknown[], said: string): string[] {
  const causes: string[] = []
  for (const error of chain) {
    const inner = error instanceof AggregateError ? error.errors.map(messageOf).join('\n') : ''
    const text = inner === '' ? messageOf(error).trim() : inner
    if (text !== '' && ![said, ...causes].some(earlier => earlier.includes(text))) causes.push(text)
  }
  return causes
}

/** What nobody threw on purpose. A plugin that throws a plain `Error` means it; a `TypeError` it does not. */
function isBug(error: unknown): boolean {
  if (error instanceof HookError)
    return error.cause instanceof Error && error.cause.name !== 'Error'
  return !isOrchError(error) && !isSystemError(error)
}

function blame(place: HookPlace | undefined): string {
  return place === undefined
    ? reportHint
    : `This is a bug in the plugin ${place.plugin}, or in orch. Please report it with the lines above.`
}

/** The frames of the innermost error that has some. */
function stackOf(chain: readonly unknown[]): string | undefined {
  for (const error of chain.toReversed()) {
    const frames = error instanceof Error ? error.stack?.match(/^ {4}at .*$/gm) : undefined
    if (frames) return frames.join('\n')
  }
  return undefined
}
