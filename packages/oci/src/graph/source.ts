import type { Blob } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'

/** Anything that holds blobs by digest: a layout, an archive, a registry, the store, a build. */
export interface ContentSource {
  /** The blob that the descriptor names. Throws `BLOB_MISSING` when it is not there. */
  blob(descriptor: Descriptor): Promise<Blob>
  /** What refers to a document: signatures, SBOMs. Absent where the medium does not tell. */
  referrers?(digest: Digest, signal?: AbortSignal): Promise<readonly Descriptor[]>
}

/** One image or index of a medium: its root, and where everything below the root is had. */
export interface ImageSource {
  /** The index or manifest, with the annotations that its medium gave it. */
  readonly root: Descriptor
  readonly content: ContentSource
  /**
   * Whole references (`docker.io/library/x:1`) that the medium gives this image, in its order: what a
   * copy is called when nobody says otherwise. Absent or empty when it gives none; a bare tag is none.
   */
  readonly names?: readonly string[]
  /**
   * Of a medium opened whole: each of its images with its names, one image under several names once.
   * Manifests of different platforms that stand side by side without names are one image, an index of
   * them. Throws `IMAGE_AMBIGUOUS` when two images have one name. Who knows that such manifests are
   * platforms of one image opens the medium without `whole`, which takes them together.
   */
  images?(): readonly ImageSource[]
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
