import { type Compression, compress } from '../compress/compress.ts'
import { type Digest, Digester } from '../documents/digest.ts'
import { layerMediaType } from '../documents/media-types.ts'
import { type Entry, normalizeEntries } from '../tar/entry.ts'
import { tarBytes } from '../tar/pack.ts'

export interface LayerOptions {
  readonly compression: Compression
  /** Seconds since 1970 for entries that name no time; 0 by default. */
  readonly mtime?: number
  readonly signal?: AbortSignal | undefined
}

/** A layer on its way: draw `bytes` to the end, then ask for the diffID. */
export interface LayerStream {
  readonly mediaType: string
  readonly bytes: AsyncIterable<Uint8Array>
  /** The digest of the uncompressed tar (image-spec, config.md#layer-diffid). Throws before the end was reached. */
  diffId(): Digest
}

/** Packs, hashes and compresses entries in one pass; whoever draws the bytes hashes what comes out. */
export function layerStream(entries: readonly Entry[], options: LayerOptions): LayerStream {
  const { compression, mtime = 0, signal } = options
  const digester = new Digester()
  let diffId: Digest | undefined
  async function* hashed(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of tarBytes(normalizeEntries(entries), { mtime, signal })) {
      digester.update(chunk)
      yield chunk
    }
    diffId = digester.digest()
  }
  return {
    mediaType: layerMediaType(compression.type),
    bytes: compress(hashed(), compression),
    diffId() {
      if (diffId === undefined) throw new Error('the layer has not been read to its end')
      return diffId
    },
  }
}
