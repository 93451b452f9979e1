import type { Blob } from '../blob/blob.ts'
import { readBlob } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { type ImageIndex, parseIndex } from '../documents/image-index.ts'
import { type Manifest, parseManifest } from '../documents/manifest.ts'
import { isIndexType, isManifestType } from '../documents/media-types.ts'
import { OrchError } from '../errors.ts'
import { blobOf, type ContentSource } from './source.ts'

/** A document that has children. */
export type Document =
  | { readonly kind: 'index'; readonly index: ImageIndex; readonly bytes: Uint8Array }
  | { readonly kind: 'manifest'; readonly manifest: Manifest; readonly bytes: Uint8Array }

/** Reads and verifies the index or manifest that a descriptor names. Throws `DOCUMENT_INVALID` when it names neither. */
export async function readDocument(
  content: ContentSource,
  descriptor: Descriptor,
  signal?: AbortSignal,
): Promise<Document> {
  return documentOf(await blobOf(content, descriptor), signal)
}

/** The index or manifest that a blob is; the errors are those of `readDocument`. */
export async function documentOf(blob: Blob, signal?: AbortSignal): Promise<Document> {
  const { mediaType, digest } = blob.descriptor
  if (isIndexType(mediaType)) {
    const bytes = await readBlob(blob, { signal })
    return { kind: 'index', index: parseIndex(bytes, `index ${digest}`, mediaType), bytes }
  }
  if (isManifestType(mediaType)) {
    const bytes = await readBlob(blob, { signal })
    return {
      kind: 'manifest',
      manifest: parseManifest(bytes, `manifest ${digest}`, mediaType),
      bytes,
    }
  }
  throw new OrchError(
    'DOCUMENT_INVALID',
    `${digest} is ${mediaType}, neither an index nor a manifest`,
  )
}

/** What a document points at, in its own order. A subject is not a child: it is another image. */
export function childrenOf(document: Document): readonly Descriptor[] {
  return document.kind === 'index'
    ? document.index.manifests
    : [document.manifest.config, ...document.manifest.layers]
}

/** Whether the descriptor names a document that may have children. */
export function isDocumentType(mediaType: string): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType)
}
