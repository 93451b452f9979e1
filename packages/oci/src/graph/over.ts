import { type Blob, blobFromBytes } from '../blob/blob.ts'
import type { Digest } from '../documents/digest.ts'
import { encodeIndex, type ImageIndex } from '../documents/image-index.ts'
import type { ContentSource, ImageSource } from './source.ts'

/** An index of our own making as a root over content that does not hold it. */
export function indexOver(content: ContentSource, index: ImageIndex): ImageSource {
  const own = blobFromBytes(encodeIndex(index), index.mediaType)
  const { digest } = own.descriptor
  return { root: own.descriptor, content: contentOver(content, new Map([[digest, own]])) }
}

/** Content with blobs of our own laid over it. */
export function contentOver(content: ContentSource, own: ReadonlyMap<Digest, Blob>): ContentSource {
  const { referrers } = content
  return {
    blob: async wanted => own.get(wanted.digest) ?? content.blob(wanted),
    ...(referrers === undefined ? {} : { referrers: referrers.bind(content) }),
  }
}

/** What a source brings beside root and content, for one that is made of it. */
export function restOf(image: ImageSource): Pick<ImageSource, 'names' | 'close'> {
  const { names, close } = image
  return {
    ...(names === undefined ? {} : { names }),
    ...(close === undefined ? {} : { close: () => close.call(image) }),
  }
}
