import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from './exec.ts'

/** Waits, a minute at most, until a daemon answers. Throws with all it said when it ends before that. */
export async function untilReady(
  name: string,
  daemon: Running,
  answers: () => Promise<boolean>,
): Promise<void> {
  const ended = daemon.done.then(({ exitCode, stdout, stderr }) => {
    throw new Error(`${name} ended with exit code ${exitCode}:\n${stdout}\n${stderr}`)
  })
  // Once it is up, its end is no error any more.
  ended.catch(() => {})
  const deadline = performance.now() + 60_000
  while (performance.now() < deadline) {
    if (await Promise.race([answers(), ended])) return
    await Promise.race([sleep(50), ended])
  }
  throw new Error(`${name} does not answer`)
}
