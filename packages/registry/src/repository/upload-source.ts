import { type Blob, OrchError, stretches, verifiedBytes } from '@orch/oci'
import type { OpenBody, RequestBody } from '../transport/types.ts'
import { anySignal } from './context.ts'

/** Pieces of at least so many bytes are above the high-water mark of any socket. */
const reusable = 256 * 1024

/** The bytes of a blob for the bodies of requests. */
export class UploadSource {
  readonly #blob: Blob
  readonly #signal: AbortSignal | undefined
  readonly #progress: ((sent: number) => void) | undefined
  /** Why the blob could not be read: sending again would not help. */
  failure: unknown

  constructor(
    blob: Blob,
    signal: AbortSignal | undefined,
    progress: ((sent: number) => void) | undefined,
  ) {
    this.#blob = blob
    this.#signal = signal
    this.#progress = progress
  }

  /** A body of the bytes from `start` up to `end`. */
  part(start: number, end: number): RequestBody {
    const length = end - start
    if (length === 0) return { length, open: () => new Uint8Array() }
    const open = (): OpenBody => {
      const unwanted = new AbortController()
      const bytes = this.#bytes(start, end, unwanted.signal)
      return {
        [Symbol.asyncIterator]: () => bytes,
        destroy: () => unwanted.abort(),
      }
    }
    return { length, open }
  }

  /**
   * Who draws the next piece has passed the one before on to the system: its memory is filled anew. That
   * holds of undici, which waits for the socket's `drain` after a piece larger than its high-water mark.
   */
  async *#bytes(
    start: number,
    end: number,
    unwanted: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { size } = this.#blob.descriptor
    const signal = anySignal(unwanted, this.#signal)
    let at = start
    try {
      // One byte more than there should be, to see that there is none.
      const options = { start, end: end === size ? end + 1 : end, signal }
      for await (const { data, release } of stretches(this.#blob, options)) {
        at += data.byteLength
        if (at > end) throw this.#wrongSize('more')
        yield data
        this.#progress?.(at)
        if (data.byteLength >= reusable) release()
      }
      if (at < end) throw this.#wrongSize('less')
    } catch (error) {
      // When the body is unwanted its connection failed, and this is only what came of it.
      if (!unwanted.aborted) this.failure ??= error
      throw error
    }
  }

  #wrongSize(how: string): OrchError {
    const { digest, size } = this.#blob.descriptor
    return new OrchError('BLOB_CORRUPT', `blob ${digest} has ${how} than its ${size} bytes`, {
      hint: 'Its source is damaged or lies; fetch or build it again.',
    })
  }
}

/** Reads a blob that a registry refused, to know whose fault it is. Throws `BLOB_CORRUPT` when it is the blob's. */
export async function checkSource(blob: Blob, signal: AbortSignal | undefined): Promise<void> {
  for await (const _ of verifiedBytes(blob.open({ signal }), blob.descriptor))
    signal?.throwIfAborted()
}
