import { HookError, type HookPlace } from '@orch/core'
import type { OrchError } from '@orch/oci'

/** What went wrong, taken out of its wrappings, and the hook in which it did. */
export interface Failure {
  readonly error: unknown
  readonly place: HookPlace | undefined
}

/** Takes apart what only carries other errors: every `AggregateError`, and every `HookError` round an error that says enough itself. */
export function failuresOf(error: unknown, place?: HookPlace): Failure[] {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.flatMap(item => failuresOf(item, place))
  if (!(error instanceof HookError)) return [{ error, place }]
  const here = { ...place, ...error.place }
  const { cause } = error
  const carries = cause instanceof AggregateError ? cause.errors.length > 0 : speaks(cause)
  return carries ? failuresOf(cause, here) : [{ error, place: here }]
}

/** Whether the error needs no wrapping to be understood. */
function speaks(error: unknown): boolean {
  return isOrchError(error) || isSystemError(error) || isAbort(error)
}

/** An error written for people. Known by its shape: a plugin may bring its own copy of the class. */
export function isOrchError(error: unknown): error is OrchError {
  return (
    error instanceof Error &&
    'hint' in error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^[A-Z][A-Z0-9_]*$/.test(error.code)
  )
}

/** The call or the project file was wrong. */
export function isUsageError(error: unknown): boolean {
  return isOrchError(error) && error.name === 'UsageError'
}

/** A system call failed: `code` is such as `ENOENT`. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    typeof error.code === 'string'
  )
}

/** The work was given up because someone asked for it. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
