import { setTimeout as delay } from 'node:timers/promises'
import type { Digest } from '@orch/oci'
import type { ListedImage } from '../engine/types.ts'
import type { Request } from './request.ts'

/** How long it may take when all else is given up, in milliseconds: nobody waits long after Ctrl-C. */
const graceMs = 1_000
/** How long it is waited before each look, in milliseconds: an engine may just be making an image when its client goes. */
const looksMs = [0, 150]

/**
 * Does what leaves an engine as it was after a load that failed, or that needs something no more. Ctrl-C does
 * not break it off, before or meanwhile: from then on it has a second.
 */
export async function parting(
  { signal }: Request['context'],
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const tooLate = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const hurry = (): void => {
    timer = setTimeout(() => tooLate.abort(signal.reason), graceMs)
  }
  if (signal.aborted) hurry()
  else signal.addEventListener('abort', hurry, { once: true })
  try {
    await work(tooLate.signal)
  } finally {
    signal.removeEventListener('abort', hurry)
    clearTimeout(timer)
  }
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
  let left = ids.filter(id => !before.some(image => image.id === id))
  const look = async (signal: AbortSignal): Promise<void> => {
    for (const wait of context.signal.aborted ? looksMs : [0]) {
      if (left.length > 0 && wait > 0) await delay(wait, undefined, { signal })
      const absent: Digest[] = []
      for (const id of left) {
        const found = await engine.inspect(id, signal)
        if (found === undefined) absent.push(id)
        else if (found.tags.length === 0) await engine.remove(id, signal)
      }
      left = absent
    }
  }
  // An engine that is lost keeps what it has.
  await parting(context, look).catch(() => {})
}
