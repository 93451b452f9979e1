import type { Blob, Digest, ImageSource } from '@orch/oci'
import type { Request } from './request.ts'
import { type Count, countOf, type Sending, send } from './send.ts'
import type { Beginning, Shared } from './underway.ts'

/** What an engine is sent of an image. */
export interface Part {
  readonly source: ImageSource
  /** All that it lacks of it. */
  readonly blobs: readonly Blob[]
  /** What it would unpack of that: each layer with all below it, and its digest. */
  readonly layers: ReadonlyMap<string, Digest>
}

/** A part as other loads see it. */
export function beginningOf({ blobs, layers }: Part): Beginning {
  return { layers: [...layers.keys()], bytes: countOf(blobs).bytes }
}

/**
 * Sends a part but for the layers that other loads bring, and those at last that did not come.
 * @param inTurn whether it waits until those others have sent theirs
 */
export function sendPart(
  request: Request,
  { source, blobs, layers }: Part,
  { theirs, turn, sent }: Shared,
  inTurn: boolean,
): Promise<Count> {
  if (theirs.size === 0) return sendBlobs(request, source, blobs, { sent })
  const came = new Map([...theirs].map(([layer, end]) => [layers.get(layer), end]))
  const mine = blobs.filter(({ descriptor }) => !came.has(descriptor.digest))
  const last = async (): Promise<readonly Blob[]> => {
    const late: Blob[] = []
    for (const blob of blobs)
      if ((await came.get(blob.descriptor.digest)) === false) late.push(blob)
    return late
  }
  return sendBlobs(request, source, mine, { turn: inTurn ? turn : undefined, sent, last })
}

/** Throws what `send` throws. */
export function sendBlobs(
  request: Request,
  source: ImageSource,
  blobs: readonly Blob[],
  more: Pick<Sending, 'turn' | 'sent' | 'last'> = {},
): Promise<Count> {
  const images = [{ source, names: [] }]
  return send(request, { images, blobs, ...more }, source.root.digest)
}
