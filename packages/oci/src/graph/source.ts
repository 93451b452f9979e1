import type { Blob } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'

/** Anything that holds blobs by digest: a layout, an archive, a registry, the store, a build. */
export interface ContentSource {
  /** The blob that the descriptor names. Throws `BLOB_MISSING` when it is not there. */
  blob(descriptor: Descriptor): Promise<Blob>
}

/** One image or index of a medium: its root, and where everything below the root is had. */
export interface ImageSource {
  /** The index or manifest, with the annotations that its medium gave it. */
  readonly root: Descriptor
  readonly content: ContentSource
  /** Lets go of files and connections. */
  close?(): Promise<void>
}

/**
 * The blob that a descriptor names, checked against this descriptor when it is read: what another
 * descriptor said of the same digest does not count. Throws `BLOB_MISSING`.
 */
export async function blobOf(content: ContentSource, descriptor: Descriptor): Promise<Blob> {
  return { ...(await content.blob(descriptor)), descriptor }
}
