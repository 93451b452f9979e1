import type { Readable } from 'node:stream'
import { type BlobFile, type Descriptor, type Filling, fillingOf } from '@orch/oci'
import { BulkBody } from '../transport/bulk.ts'
import { brokenOff } from './answer.ts'
import { Patience } from './patience.ts'

/** Asks for a blob from `at` on; `from` is where the answer really begins, `at` or 0. */
type Ask = (at: number) => Promise<{ readonly body: Readable; readonly from: number }>

/**
 * A blob of a registry for a reader that brings its own memory. Where the connection breaks off, the rest
 * is asked for. What an answer has beyond the descriptor's size is not read.
 */
export function remoteFile(
  ask: Ask,
  { size }: Descriptor,
  what: string,
  closed: AbortController,
  signal: AbortSignal | undefined,
): BlobFile {
  const patience = new Patience()
  let body: Filling | undefined
  /** Where `body` is. */
  let position = 0
  /** Bytes since the last failure. */
  let gained = 0

  /** Fills memory with the next bytes, at least one. */
  const fill = async (filling: Filling, into: Uint8Array): Promise<number> => {
    const length = await filling.fill(into)
    position += length
    if (length === 0) throw new Error(`it ended after ${position} of ${size} bytes`)
    return length
  }

  return {
    async read(into, at) {
      const wanted = into.subarray(0, Math.max(0, size - at))
      let had = 0
      while (had < wanted.byteLength) {
        if (body === undefined || position > at + had) {
          body?.destroy()
          body = undefined // should it not be there again
          const answer = await ask(at + had)
          body = answer.body instanceof BulkBody ? answer.body : fillingOf(answer.body)
          position = answer.from
        }
        try {
          // What an answer has before is read into the same memory, and over.
          while (position < at + had)
            await fill(body, wanted.subarray(had, at + had - position + had))
          const length = await fill(body, wanted.subarray(had))
          had += length
          gained += length
        } catch (error) {
          signal?.throwIfAborted()
          body.destroy()
          body = undefined
          await patience.after(brokenOff(what, error), gained, signal)
          gained = 0
        }
      }
      return had
    },
    async close() {
      closed.abort()
      body?.destroy()
    },
  }
}
