import { Readable } from 'node:stream'

/**
 * A stream of the bytes. `onEnd` runs as soon as nobody wants more of them, by end, error or `destroy`; a
 * generator alone would hear of that only when what it waits for has come.
 */
export function streamOf(bytes: AsyncIterable<Uint8Array>, onEnd: () => void): Readable {
  const stream = Readable.from(bytes, { objectMode: false, highWaterMark: 256 * 1024 })
  const destroy = stream._destroy.bind(stream)
  stream._destroy = (error, callback) => {
    onEnd()
    destroy(error, callback)
  }
  return stream
}
