import { addAbortSignal, type Readable } from 'node:stream'
import type { Blob } from './blob.ts'
import type { BlobFile } from './file.ts'
import { fillingOf } from './filling.ts'
import { MemoryPool } from './memory-pool.ts'

/** A part of a blob in memory that is used again. */
export interface Stretch {
  /** Where it begins in the blob. */
  readonly at: number
  readonly data: Uint8Array
  /** Gives its memory back. Not to be called twice, nor while anyone may still read it. */
  release(): void
}

/** The memory that a stretch lies in. */
export interface Frame {
  /** Bytes before the stretch that its reader may write to. */
  readonly room: number
  /** How long a stretch is, but for the last of a blob. */
  readonly bytes: number
}

/** Where a reading of a blob begins and ends, from its first to its last byte unless told otherwise; and how. */
export interface StretchOptions {
  readonly start?: number
  readonly end?: number
  /** Every stretch lies in such a frame. Without one a blob that is only a stream comes in the stream's own pieces. */
  readonly frame?: Frame
  readonly signal?: AbortSignal | undefined
}

const unframed: Frame = { room: 0, bytes: 1024 * 1024 }
const pool = new MemoryPool(32 * 1024 * 1024)

/** The bytes of a blob in stretches, long ones where it lets its reader bring the memory. They are not verified. */
export async function* stretches(
  blob: Blob,
  { start = 0, end = Number.POSITIVE_INFINITY, frame, signal }: StretchOptions = {},
): AsyncGenerator<Stretch, void, undefined> {
  signal?.throwIfAborted()
  if (blob.openFile === undefined && frame === undefined)
    return yield* pieces(streamed(blob, start, signal), start, end)
  const { room, bytes } = frame ?? unframed
  const file = (await blob.openFile?.({ signal })) ?? inOrder(streamed(blob, start, signal))
  try {
    for (let at = start; at < end; ) {
      signal?.throwIfAborted()
      const memory = pool.take(room + bytes)
      const release = (): void => pool.give(memory)
      // Memory of a reading that fails is not given back: it may yet be written to.
      const length = await file.read(memory.subarray(room, room + end - at), at)
      if (length === 0) return release()
      yield { at, data: memory.subarray(room, room + length), release }
      at += length
    }
  } finally {
    await file.close()
  }
}

function streamed(blob: Blob, offset: number, signal: AbortSignal | undefined): Readable {
  const source = blob.open({ offset, signal })
  return signal === undefined ? source : addAbortSignal(signal, source)
}

/** What a stream gives, as it gives it. */
async function* pieces(
  source: Readable,
  start: number,
  end: number,
): AsyncGenerator<Stretch, void, undefined> {
  // An error after the last read would else have nobody to tell.
  source.on('error', () => {})
  let at = start
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    const data = chunk.subarray(0, end - at)
    yield { at, data, release: () => {} }
    at += data.byteLength
    if (at >= end) return
  }
}

/** A stream as a file that is read from its beginning to its end. */
function inOrder(source: Readable): BlobFile {
  const filling = fillingOf(source)
  return {
    async read(into) {
      let had = 0
      for (let length = -1; length !== 0 && had < into.byteLength; had += length)
        length = await filling.fill(into.subarray(had))
      return had
    },
    close: async () => filling.destroy(),
  }
}
