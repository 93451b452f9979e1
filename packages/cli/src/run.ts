import { OrchError } from '@orch/oci'
import { exitCodeOf } from '@orch/report'
import { CommanderError } from 'commander'
import { tellFailures } from './failures.ts'
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
    const code = interruption.exitCode()
    tellFailures([error], { interrupted: code !== undefined, verbose: state.verbose })
    return code ?? exitCodeOf([error], false)
  } finally {
    interruption.release()
    process.off('beforeExit', interruption.stall)
  }
}

/** `orch … | head` ends the reader before the writer: no failure of ours. Anything else is. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return
  const why = `standard output cannot be written: ${error.message}`
  const hint = 'Free space where it goes, or send it elsewhere.'
  tellFailures([new OrchError('OUTPUT_FAILED', why, { hint })])
  process.exit(1)
}
