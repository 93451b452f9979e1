import { type Blob, BlobCheck, OrchError, type Stretch, stretches, verifiedBytes } from '@orch/oci'
import type { OpenBody, RequestBody } from '../transport/types.ts'
import { anySignal } from './context.ts'

/** Pieces of at least so many bytes are above the high-water mark of any socket. */
const reusable = 256 * 1024

/**
 * The bytes of a blob for the bodies of requests. Those that do not lie in a file here came from outside:
 * they are verified on the way, and the last of them are held back until they were found right.
 */
export class UploadSource {
  readonly #blob: Blob
  readonly #signal: AbortSignal | undefined
  readonly #progress: ((sent: number) => void) | undefined
  /** What was read so far; undefined when it is not known from the beginning on, or need not be. */
  #check: BlobCheck | undefined
  #checkedTo = 0
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
    let held: Stretch | undefined
    this.#begin(start)
    try {
      // One byte more than there should be, to see that there is none.
      const options = { start, end: end === size ? end + 1 : end, signal }
      for await (const stretch of stretches(this.#blob, options)) {
        at += stretch.data.byteLength
        if (at > end) throw this.#wrongSize('more')
        this.#check?.update(stretch.data)
        this.#checkedTo = at
        if (held !== undefined) yield* this.#pass(held)
        held = stretch
      }
      if (at < end) throw this.#wrongSize('less')
      if (end === size) await this.#verify(signal)
      if (held !== undefined) yield* this.#pass(held)
    } catch (error) {
      // When the body is unwanted its connection failed, and this is only what came of it.
      if (!unwanted.aborted) this.failure ??= error
      throw error
    }
  }

  *#pass({ at, data, release }: Stretch): Generator<Uint8Array, void, undefined> {
    yield data
    this.#progress?.(at + data.byteLength)
    if (data.byteLength >= reusable) release()
  }

  /** Goes on where the check is, or from the beginning. */
  #begin(start: number): void {
    const { path, verified, descriptor } = this.#blob
    if (path !== undefined || verified === true) return
    if (start === 0) this.#check = new BlobCheck(descriptor)
    else if (start !== this.#checkedTo) this.#check = undefined
  }

  /** Before the last bytes go. What was not seen as one whole, since a drop was between, is read again. */
  async #verify(signal: AbortSignal | undefined): Promise<void> {
    const { path, verified } = this.#blob
    if (path !== undefined || verified === true) return
    if (this.#check === undefined) await checkSource(this.#blob, signal)
    else this.#check.end()
    this.#check = undefined
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
