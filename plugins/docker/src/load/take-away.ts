import type { Digest } from '@orch/oci'
import type { ListedImage } from '../engine/types.ts'
import type { Request } from './request.ts'

/** How long it may take when all else is given up, in milliseconds. */
const graceMs = 2_000

/**
 * Takes an image away that a load left, unless it was there before or has got a name. Whatever goes wrong
 * here went wrong before, and was told.
 */
export async function takeAway(
  { engine, context }: Request,
  id: Digest,
  before: readonly ListedImage[],
): Promise<void> {
  if (before.some(image => image.id === id)) return
  const { signal: all } = context
  const signal = all.aborted ? AbortSignal.timeout(graceMs) : all
  try {
    const found = await engine.inspect(id, signal)
    if (found?.tags.length === 0) await engine.remove(id, signal)
  } catch {
    // An engine that is lost keeps what it has.
  }
}
