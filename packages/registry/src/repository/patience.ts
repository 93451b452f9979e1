import { setTimeout } from 'node:timers/promises'
import { BrokenError } from '../transport/failures.ts'

/** Failures in a row, with little progress between them, that are borne. */
const limit = 8
/** So many bytes of progress and the failures before are forgotten. */
const forgiven = 1024 * 1024
const firstPause = 100
const longestPause = 5_000

/** How often a transfer that breaks off is taken up again. */
export class Patience {
  #failures = 0
  #gained = 0

  /**
   * Waits a while before the next try; the pauses grow and are random (full jitter), and
   * are no shorter than the registry asks for. Throws the error
   * itself when there were too many without progress, and the signal's reason when it is aborted.
   * @param gained bytes of progress since the failure before
   */
  async after(error: unknown, gained: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    this.#gained += Math.max(gained, 0)
    if (this.#gained >= forgiven) this.#failures = this.#gained = 0
    if (++this.#failures > limit) throw error
    const asked = error instanceof BrokenError ? error.wait : 0
    const own = Math.random() * Math.min(longestPause, firstPause * 2 ** (this.#failures - 1))
    await pause(Math.max(asked, own), signal)
  }
}

/** Waits. Throws the signal's reason when it is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(milliseconds, undefined, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}
