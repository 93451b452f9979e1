import type { Digest } from '@orch/oci'
import type { ListedImage } from '../engine/types.ts'
import type { Request } from './request.ts'

/** How long it may take when all else is given up, in milliseconds: nobody waits long after Ctrl-C. */
const graceMs = 1_000

/** What ends the calls by which a load that failed leaves an engine as it was. */
export function partingSignal({ signal }: Request['context']): AbortSignal {
  return signal.aborted ? AbortSignal.timeout(graceMs) : signal
}

/**
 * Takes images away that a load left, but for those that were there before or have got a name. Whatever goes
 * wrong here went wrong before, and was told.
 */
export async function takeAway(
  { engine, context }: Request,
  ids: readonly Digest[],
  before: readonly ListedImage[],
): Promise<void> {
  const left = ids.filter(id => !before.some(image => image.id === id))
  const signal = partingSignal(context)
  try {
    for (const id of left) {
      const found = await engine.inspect(id, signal)
      if (found?.tags.length === 0) await engine.remove(id, signal)
    }
  } catch {
    // An engine that is lost keeps what it has.
  }
}
