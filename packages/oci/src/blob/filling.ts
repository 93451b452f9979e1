import type { Readable } from 'node:stream'

/** What gives its bytes in order, into memory that its reader brings. */
export interface Filling {
  /** Gives how many bytes there were, often fewer than there is room for, and 0 at the end. */
  fill(into: Uint8Array): Promise<number>
  destroy(): void
}

/** The bytes of a stream. Its error is that of the next `fill`. */
export function fillingOf(stream: Readable): Filling {
  // An error before the first read would else have nobody to tell.
  stream.on('error', () => {})
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array()
  return {
    async fill(into) {
      while (rest.byteLength === 0) {
        const next = await chunks.next()
        if (next.done) return 0
        rest = next.value
      }
      const part = rest.subarray(0, into.byteLength)
      into.set(part)
      rest = rest.subarray(part.byteLength)
      return part.byteLength
    },
    destroy: () => void stream.destroy(),
  }
}
