import { blobFromBytes } from '../blob/blob.ts'
import { encodeIndex, type ImageIndex } from '../documents/image-index.ts'
import type { ContentSource, ImageSource } from './source.ts'

/** An index of our own making as a root over content that does not hold it. */
export function indexOver(content: ContentSource, index: ImageIndex): ImageSource {
  const own = blobFromBytes(encodeIndex(index), index.mediaType)
  const { digest } = own.descriptor
  const blob: ContentSource['blob'] = async wanted =>
    wanted.digest === digest ? own : content.blob(wanted)
  return { root: own.descriptor, content: { blob } }
}
