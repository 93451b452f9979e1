import { cleanUp } from '../../kit/cleanup.ts'
import { startOrch } from '../../kit/exec.ts'
import { watchMemory } from '../../kit/ps.ts'
import { expectSuccess } from './contest.ts'

/** Runs a benchmark with the arguments of the process, cleans up, and fails only when it throws. */
export async function bench(main: (args: readonly string[]) => Promise<void>): Promise<void> {
  let isInterrupted = false
  // Not `once`: what starts programs ends this one at once when nobody listens any more.
  process.on('SIGINT', () => {
    isInterrupted = true
    void cleanUp().finally(() => process.exit(130))
  })
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    // What was interrupted fails, and has no more to say.
    if (!isInterrupted) console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  } finally {
    await cleanUp()
  }
}

/** The peak of orch's own memory, in bytes. Being watched costs time, so it is done in a run of its own. */
export async function peakOf(args: readonly string[]): Promise<number> {
  const process = await startOrch(args)
  const memory = watchMemory(process.pid)
  const outcome = await process.done
  const peak = memory.stop().own
  expectSuccess('orch', outcome)
  return peak
}
