import { verifiedBytes } from '../blob/verify.ts'
import { type Compression, compress } from '../compress/compress.ts'
import { decompress } from '../compress/decompress.ts'
import type { Annotations } from '../documents/descriptor.ts'
import { type Digest, Digester } from '../documents/digest.ts'
import {
  dockerMediaType,
  isForeignType,
  layerCompression,
  layerMediaType,
  ociMediaType,
} from '../documents/media-types.ts'
import { OrchError } from '../errors.ts'
import type { EditedLayer } from './edits.ts'

/** Whether a layer can be compressed in another way: a filesystem layer that is not foreign. */
export function isCompressible(mediaType: string): boolean {
  return layerCompression(mediaType) !== undefined && !isForeignType(mediaType)
}

/** The media type of a layer when it is compressed in another way, of the same family. */
export function recompressedType(mediaType: string, { type }: Compression): string {
  const wanted = layerMediaType(type)
  return ociMediaType(mediaType) === mediaType ? wanted : dockerMediaType(wanted)
}

/**
 * The bytes of a layer compressed in another way. Its stored bytes are checked against its descriptor,
 * and what they hold against the diffID: it ends with `BLOB_CORRUPT`, `COMPRESSION_INVALID`,
 * `COMPRESSION_BOMB` or `DIFF_ID_WRONG` when they are not what they should be.
 */
export function recompress(
  { blob, diffId }: EditedLayer,
  compression: Compression,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { descriptor } = blob
  const stored = verifiedBytes(blob.open({ signal }), descriptor)
  const plain = decompress(stored, layerCompression(descriptor.mediaType) ?? 'none')
  return compress(hashed(plain, diffId, descriptor.digest), compression)
}

async function* hashed(
  plain: AsyncIterable<Uint8Array>,
  diffId: Digest,
  digest: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester()
  for await (const chunk of plain) {
    digester.update(chunk)
    yield chunk
  }
  const found = digester.digest()
  if (found === diffId) return
  const why = `the layer ${digest} has the diffID ${found}, its config says ${diffId}`
  throw new OrchError('DIFF_ID_WRONG', why, {
    hint: 'The image is damaged or badly built: make it again, and see orch validate.',
  })
}

/** Annotations that speak of how a layer's bytes are laid out (eStargz, zstd:chunked): wrong once they are others. */
const encodingAnnotation =
  /^(?:containerd\.io\/snapshot\/|io\.github\.containers\.zstd-chunked\.|io\.containers\.)/

/** A layer's annotations that hold however it is compressed. */
export function lastingAnnotations(annotations: Annotations): Annotations {
  return Object.fromEntries(
    Object.entries(annotations).filter(([key]) => !encodingAnnotation.test(key)),
  )
}
