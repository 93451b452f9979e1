import type { Blob } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import type { ImageIndex } from '../documents/image-index.ts'
import type { Manifest } from '../documents/manifest.ts'
import type { Platform } from '../documents/platform.ts'

/** A filesystem layer of an image manifest. */
export interface EditedLayer {
  readonly blob: Blob
  readonly diffId: Digest
}

/** What is changed about an image, level by level. Whatever is absent, and whatever comes back equal, stays byte for byte. */
export interface Edits {
  /** Another blob with the same diffID in a layer's place, or the very same. */
  layer?(layer: EditedLayer): Promise<Blob>
  /** An image manifest, its layers already changed. */
  manifest?(manifest: Manifest, platform: Platform): Manifest
  /** An index, what it lists already changed. */
  index?(index: ImageIndex): ImageIndex
  /** A document's descriptor: in its index, or the root. The platform is that of a manifest; an index has none. */
  descriptor?(descriptor: Descriptor, platform: Platform | undefined): Descriptor
}
