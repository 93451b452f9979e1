import { plainReporter } from './progress/plain.ts'
import { quietReporter } from './progress/quiet.ts'
import { rawJsonReporter } from './progress/rawjson.ts'
import type { Reporter } from './progress/reporter.ts'
import { hasSize, ttyReporter } from './progress/tty.ts'
import { type Environment, type Output, painter, useColor } from './style.ts'

export type { Reporter } from './progress/reporter.ts'
export type ProgressMode = 'auto' | 'tty' | 'plain' | 'rawjson' | 'quiet'

/** Where progress goes, and the environment that says how it may look. */
export interface ReporterOptions {
  /** Standard error. */
  readonly stream: Output
  readonly env: Environment
}

/**
 * The renderer of a mode. `auto` redraws on a terminal and writes plain lines elsewhere: under CI,
 * with TERM=dumb, and where the stream is no terminal. A terminal of unknown size is never redrawn.
 */
export async function createReporter(
  mode: ProgressMode,
  { stream, env }: ReporterOptions,
): Promise<Reporter> {
  const paint = painter(useColor(stream, env))
  switch (mode === 'auto' ? autoMode(stream, env) : mode) {
    case 'rawjson':
      return rawJsonReporter(stream)
    case 'quiet':
      return quietReporter(stream, paint)
    case 'tty':
      return hasSize(stream) ? await ttyReporter(stream, paint) : plainReporter(stream, paint)
    case 'plain':
      return plainReporter(stream, paint)
  }
}

function autoMode(stream: Output, env: Environment): 'tty' | 'plain' {
  const ci = !['', '0', 'false'].includes(env['CI'] ?? '')
  return stream.isTTY === true && !ci && env['TERM'] !== 'dumb' ? 'tty' : 'plain'
}
