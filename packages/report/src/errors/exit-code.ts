import { failuresOf, isUsageError } from './failure.ts'

/**
 * The exit code of a command: 130 when it was interrupted (128 + SIGINT), 2 when the call or the
 * project file was wrong, also where a plugin found it out, 1 when anything else failed, else 0.
 * A `UsageError` deeper down, as the cause of another error, is how that one came about: it stays 1.
 */
export function exitCodeOf(errors: readonly unknown[], signalAborted: boolean): 0 | 1 | 2 | 130 {
  if (signalAborted) return 130
  if (errors.length === 0) return 0
  return errors.flatMap(error => failuresOf(error)).some(({ error }) => isUsageError(error)) ? 2 : 1
}
