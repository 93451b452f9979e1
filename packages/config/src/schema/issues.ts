import type { SchemaIssue } from '@orch/core'
import { didYouMean, nearest } from '@orch/oci'
import { formatPath, type Path, type Problem } from '../problem.ts'
import { formsAt, type JsonSchema, keysAt, oneOf, wordsAt } from './expected.ts'
import { meantAlternative, pathOf, unionValues, type ZodIssue } from './zod-issue.ts'

/** What was checked, and what the issues' paths start from. */
export interface Checked {
  readonly value: unknown
  /** The schema as JSON Schema, as far as it can be had: it says what was expected. */
  readonly schema: JsonSchema
  /** Whether the issues are zod's, so that more than message and path can be read from them. */
  readonly zod: boolean
  /** Where the value stands in the project file. */
  readonly base: Path
}

/** The issues of any Standard Schema in our words. */
export function problemsOf(issues: readonly SchemaIssue[], checked: Checked): Problem[] {
  const read: readonly ZodIssue[] = checked.zod
    ? issues
    : issues.map(({ message, path }) => ({ message, path }))
  // A key that is missing because it is misspelt is one problem, not two.
  const misspelt = new Set(
    read.flatMap(({ keys = [], path = [] }) => {
      const around = pathOf({ message: '', path })
      return keys.map(key =>
        formatPath([...around, nearest(key, keysAt(checked.schema, around)) ?? key]),
      )
    }),
  )
  return read
    .filter(issue => {
      const path = pathOf(issue)
      return valueAt(checked.value, path) !== undefined || !misspelt.has(formatPath(path))
    })
    .flatMap(issue => problemsOfIssue(issue, checked))
}

function problemsOfIssue(issue: ZodIssue, checked: Checked): Problem[] {
  const path = pathOf(issue)
  const found = valueAt(checked.value, path)
  const { message } = issue
  const problem = (text: string, more: Partial<Problem> = {}): Problem => ({
    path: [...checked.base, ...path],
    on: 'value',
    message: text,
    ...more,
  })
  // A message that a schema's author wrote is better than ours.
  const own = /^(Invalid|Unrecognized|Too (small|big))\b/.test(message) ? undefined : message
  switch (issue.code) {
    case 'unrecognized_keys':
      return (issue.keys ?? []).map(key => unknownKey(key, path, checked))
    case 'invalid_type': {
      const wanted =
        own ??
        `expected ${wordsAt(checked.schema, path) ?? typeWords[issue.expected ?? ''] ?? issue.expected}`
      return [
        problem(typeMessage(wanted, found, issue.expected), nearlyRight(found, path, checked)),
      ]
    }
    case 'invalid_value':
      return [
        problem(
          ...valueMessage(`expected ${oneOf(issue.values ?? [])}`, issue.values ?? [], found),
        ),
      ]
    case 'invalid_union': {
      const meant = meantAlternative(issue)
      if (meant !== undefined) return problemsOf(meant, checked)
      const wanted = own ?? `expected ${wordsAt(checked.schema, path) ?? 'another kind of value'}`
      const values = unionValues(issue)
      if (typeof found === 'string' && values.length > 0)
        return [problem(...valueMessage(wanted, values, found))]
      const forms = formsAt(checked.schema, path)
      const among = typeof found === 'object' && found !== null && forms !== undefined
      return [
        among
          ? problem(`expected ${forms}`)
          : problem(typeMessage(wanted, found), nearlyRight(found, path, checked)),
      ]
    }
    case 'invalid_key': {
      const [inner] = issue.issues ?? []
      const hint = inner?.params?.hint
      const more = typeof hint === 'string' ? { hint } : {}
      return [problem(inner?.message ?? message, { on: 'key', ...more })]
    }
    case 'too_small':
      return [problem(own ?? bound(issue.origin, issue.minimum, 'at least'))]
    case 'too_big':
      return [problem(own ?? bound(issue.origin, issue.maximum, 'at most'))]
    case 'custom': {
      const hint = issue.params?.hint
      return [problem(message, typeof hint === 'string' ? { hint } : {})]
    }
    default:
      return [problem(message, misplaced(path, found, checked))]
  }
}

function unknownKey(key: string, path: Path, { schema, base }: Checked): Problem {
  const known = keysAt(schema, path)
  return {
    path: [...base, ...path, key],
    on: 'key',
    message:
      known.length === 0 ? 'unknown key' : `unknown key; expected one of ${known.join(', ')}`,
    hint: didYouMean(key, known),
  }
}

/** Of an issue that says no more than message and path: a key that is not a known one is itself what is wrong. */
function misplaced(path: Path, found: unknown, { schema }: Checked): Partial<Problem> {
  const key = path.at(-1)
  if (typeof key !== 'string' || found === undefined) return {}
  const known = keysAt(schema, path.slice(0, -1))
  if (known.length === 0 || known.includes(key)) return {}
  return { on: 'key', hint: didYouMean(key, known) }
}

function typeMessage(wanted: string, found: unknown, expected?: string): string {
  if (found === undefined) return `missing; ${wanted}`
  const fraction = expected === 'int' && typeof found === 'number'
  return `${wanted}, got ${fraction ? found : typeOf(found)}`
}

function valueMessage(
  wanted: string,
  values: readonly unknown[],
  found: unknown,
): [message: string, more: Partial<Problem>] {
  if (found === undefined) return [`missing; ${wanted}`, {}]
  const shown = typeof found === 'object' ? typeOf(found) : JSON.stringify(found)
  const names = values.filter(item => typeof item === 'string')
  const hint = typeof found === 'string' ? didYouMean(found, names) : undefined
  return [`${wanted}, got ${shown}`, { hint }]
}

/**
 * Values of the wrong type that little would make right. Where a string is wanted, YAML takes an
 * unquoted `1.10` or `true` for something else; where a list of strings is, one may stand alone.
 */
function nearlyRight(found: unknown, path: Path, { schema }: Checked): Partial<Problem> {
  const wanted = wordsAt(schema, path) ?? ''
  if (typeof found === 'string')
    return wanted.startsWith('a list of strings') ? { unlisted: found } : {}
  const scalar = typeof found === 'number' || typeof found === 'boolean'
  return scalar && wanted.startsWith('a string') ? { unquoted: true } : {}
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

function typeOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`
}

const units: Readonly<Record<string, string>> = {
  string: 'character',
  array: 'item',
  object: 'key',
}

function bound(origin = '', limit: number | bigint = 0, words: string): string {
  if (origin === 'string' && limit === 1 && words === 'at least') return 'must not be empty'
  const unit = units[origin] === undefined ? '' : ` ${units[origin]}${limit === 1 ? '' : 's'}`
  return `expected ${words} ${limit}${unit}`
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Readonly<Record<PropertyKey, unknown>>)[step]
  }
  return at
}
