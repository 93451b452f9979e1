import type { SchemaIssue } from '@orch/core'
import type { Path } from '../problem.ts'

/** zod's issues (zod 4, core/errors.ts), as far as they are read here. */
export interface ZodIssue extends SchemaIssue {
  readonly code?: string
  readonly keys?: readonly string[]
  readonly values?: readonly unknown[]
  readonly expected?: string
  readonly errors?: readonly (readonly ZodIssue[])[]
  readonly issues?: readonly ZodIssue[]
  readonly origin?: string
  readonly minimum?: number | bigint
  readonly maximum?: number | bigint
  readonly params?: { readonly hint?: unknown }
}

/** The path of any Standard Schema's issue. */
export function pathOf(issue: SchemaIssue): Path {
  return (issue.path ?? []).map(step => (typeof step === 'object' ? step.key : step))
}

/**
 * Of an `invalid_union`, the issues of the alternative that was meant, their paths from the union's
 * own start: the one that takes the value's type and has fewest issues. Undefined when that is open.
 */
export function meantAlternative(union: ZodIssue): readonly ZodIssue[] | undefined {
  const alternatives = (union.errors ?? [])
    .filter(issues => issues.length > 0 && issues.every(isInside))
    .map(issues => ({
      issues,
      count: issues.reduce((sum, item) => sum + (item.keys?.length ?? 1), 0),
    }))
    .sort((a, b) => a.count - b.count)
  const [best, second] = alternatives
  if (best === undefined || best.count === second?.count) return undefined
  return best.issues.map(item => ({ ...item, path: [...pathOf(union), ...pathOf(item)] }))
}

function isInside(issue: ZodIssue): boolean {
  return pathOf(issue).length > 0 || issue.code === 'unrecognized_keys'
}

/** The values that the alternatives of an `invalid_union` name one by one. */
export function unionValues(union: ZodIssue): readonly unknown[] {
  return (union.errors ?? [])
    .flat()
    .filter(({ code, path }) => code === 'invalid_value' && (path ?? []).length === 0)
    .flatMap(({ values }) => values ?? [])
}
