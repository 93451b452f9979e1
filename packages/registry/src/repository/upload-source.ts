import type { Readable } from 'node:stream'
import { type Blob, OrchError, verifiedBytes } from '@orch/oci'
import type { RequestBody } from '../transport/types.ts'
import { streamOf } from './stream.ts'

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
    const open = (): Readable => {
      const source = this.#blob.open({ offset: start, signal: this.#signal })
      source.on('error', () => {}) // it may fail before anyone reads it; who reads it hears of it
      const bytes = this.#bytes(source, start, end, () => stream.destroyed)
      const stream: Readable = streamOf(bytes, () => source.destroy())
      return stream
    }
    return { length, open }
  }

  async *#bytes(
    source: Readable,
    start: number,
    end: number,
    isUnwanted: () => boolean,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      let at = start
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        const part = chunk.subarray(0, end - at)
        at += part.byteLength
        if (at === end && part.byteLength < chunk.byteLength && end === this.#blob.descriptor.size)
          throw this.#wrongSize('more')
        yield part
        this.#progress?.(at)
        if (at === end) return
      }
      throw this.#wrongSize('less')
    } catch (error) {
      // When the body is unwanted its connection failed, and this is only what came of it.
      if (!isUnwanted()) this.failure ??= error
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
