import { OrchError } from '@orch/oci'
import { describeError, exitCodeOf, useColor } from '@orch/report'
import { CommanderError } from 'commander'
import { catchInterruption } from './interrupt.ts'
import { createProgram } from './program.ts'

/**
 * Runs one command line and returns the exit code: 0, 1 (it failed), 2 (the call or the project file
 * was wrong), 130 (interrupted).
 */
export async function run(args: readonly string[]): Promise<number> {
  process.stdout.on('error', onOutputError)
  process.stderr.on('error', () => {}) // whoever closed it wants to hear no more
  const interruption = catchInterruption()
  process.on('beforeExit', interruption.stall)
  const state = { exitCode: 0, verbose: args.includes('--verbose') }
  try {
    await createProgram(interruption, state).parseAsync(args, { from: 'user' })
    return interruption.exitCode() ?? state.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const interrupted = interruption.exitCode()
    if (interrupted === undefined || error !== interruption.signal.reason) {
      process.stderr.write(
        `${describeError(error, { color: useColor(process.stderr, process.env), verbose: state.verbose })}\n`,
      )
    } else process.stderr.write('interrupted\n')
    return interrupted ?? exitCodeOf([error], false)
  } finally {
    interruption.release()
    process.off('beforeExit', interruption.stall)
  }
}

/** `orch … | head` ends the reader before the writer: no failure of ours. Anything else is. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return
  const failure = new OrchError(
    'OUTPUT_FAILED',
    `standard output cannot be written: ${error.message}`,
    {
      hint: 'Free space where it goes, or send it elsewhere.',
    },
  )
  process.stderr.write(`${describeError(failure, { color: false, verbose: false })}\n`)
  process.exit(1)
}

/** Says what nobody was there to catch: a mistake in orch, or in a plugin's timer or listener. */
export function reportBug(error: unknown): void {
  const style = { color: useColor(process.stderr, process.env), verbose: true }
  process.stderr.write(`${describeError(error, style)}\n`)
}
