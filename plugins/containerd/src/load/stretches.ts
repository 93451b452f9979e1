import type { Blob } from '@orch/oci'
import { headRoom } from '../client/types.ts'

/** How much of a large blob goes in one message; the daemon takes up to 16 MiB. */
const messageBytes = 2 * 1024 * 1024
/** How much memory is kept for later, in messages. */
const kept = 8

/** A part of a blob, with room for a message's head before it in memory. */
export interface Stretch {
  /** Where it begins in the blob. */
  readonly at: number
  readonly data: Uint8Array
  /** Gives its memory back. Not to be called while anyone may still read it. */
  release(): void
}

/** Memory that is free: used again, since to allocate and collect it costs more than to fill it. */
const free: Buffer[] = []

/** The bytes of a blob from `from` on, in stretches of one message each. They are not verified. */
export async function* stretches(
  blob: Blob,
  from: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Stretch, void, undefined> {
  signal?.throwIfAborted()
  const fill =
    blob.openFile === undefined ? streamed(blob, from, signal) : await blob.openFile({ signal })
  try {
    for (let at = from; ; ) {
      signal?.throwIfAborted()
      const memory = free.pop() ?? Buffer.allocUnsafeSlow(headRoom + messageBytes)
      const length = await fill.read(memory.subarray(headRoom), at)
      if (length === 0) return void free.push(memory)
      const release = (): void => {
        if (free.length < kept) free.push(memory)
      }
      yield { at, data: memory.subarray(headRoom, headRoom + length), release }
      at += length
    }
  } finally {
    await fill.close()
  }
}

/** What fills memory with the next bytes. */
type Filling = Awaited<ReturnType<NonNullable<Blob['openFile']>>>

/** A stream as a filling: read in order, from its beginning. */
function streamed(blob: Blob, offset: number, signal: AbortSignal | undefined): Filling {
  const source = blob.open({ offset, signal })
  // An abort before the first read would else have nobody to tell.
  source.on('error', () => {})
  const chunks: AsyncIterator<Uint8Array> = source[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array()
  return {
    async read(into) {
      let length = 0
      while (length < into.byteLength) {
        if (rest.byteLength === 0) {
          const next = await chunks.next()
          if (next.done) break
          rest = next.value
        }
        const part = rest.subarray(0, into.byteLength - length)
        into.set(part, length)
        length += part.byteLength
        rest = rest.subarray(part.byteLength)
      }
      return length
    },
    async close() {
      source.destroy()
    },
  }
}
