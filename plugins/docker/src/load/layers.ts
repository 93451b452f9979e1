import { Readable } from 'node:stream'
import {
  type Blob,
  type EditedLayer,
  layerCompression,
  mediaTypes,
  OrchError,
  recompress,
} from '@orch/oci'
import { isOlder } from '../engine/version.ts'

/** The API of Docker 23.0, the first that reads layers compressed by zstd from an archive. */
const zstdSince = '1.42'

/** Whether an engine with this API can read a layer from an archive as it is. */
export function isReadable(mediaType: string, apiVersion: string): boolean {
  return layerCompression(mediaType) !== 'zstd' || !isOlder(apiVersion, zstdSince)
}

/**
 * The layer uncompressed, as a blob that is decompressed whenever it is read: once here, for a tar wants
 * to know the size before the bytes. Throws `COMPRESSION_INVALID`, and what `recompress` throws.
 */
export async function plainLayer(layer: EditedLayer, signal: AbortSignal): Promise<Blob> {
  const plain = (): AsyncIterable<Uint8Array> => recompress(layer, { type: 'none' }, signal)
  let size = 0
  try {
    for await (const chunk of plain()) size += chunk.byteLength
  } catch (error) {
    if (!(error instanceof OrchError && error.code === 'COMPRESSION_INVALID')) throw error
    const { digest, mediaType } = layer.blob.descriptor
    const why = `the layer ${digest} is no ${mediaType}: ${error.message}`
    throw new OrchError(error.code, why, {
      cause: error,
      hint: 'The image is badly made; orch validate shows what is wrong with it.',
    })
  }
  return {
    descriptor: { mediaType: mediaTypes.layer, digest: layer.diffId, size },
    open: () => Readable.from(plain(), { objectMode: false }),
  }
}
