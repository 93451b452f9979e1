import { dedupeErrors, describeError, useColor } from '@orch/report'

/** How failures are told. */
export interface Telling {
  /** Whether a signal came: what it broke off is no news. */
  readonly interrupted?: boolean
  readonly verbose?: boolean | undefined
}

/** Tells on standard error what went wrong, each problem once, and that the command was interrupted. */
export function tellFailures(
  errors: readonly unknown[],
  { interrupted = false, verbose = false }: Telling = {},
): void {
  const isNews = dedupeErrors(errors).some(({ code }) => code !== 'INTERRUPTED' || !interrupted)
  const color = useColor(process.stderr, process.env)
  if (isNews)
    process.stderr.write(`${describeError(new AggregateError(errors), { color, verbose })}\n`)
  if (interrupted) process.stderr.write('interrupted\n')
}
