import type { Descriptor } from '../documents/descriptor.ts'
import { dockerMediaType, ociMediaType } from '../documents/media-types.ts'
import type { Edits } from './edits.ts'

/**
 * Gives an image Docker's media types, or those of the specification. All bytes but those of indexes and
 * manifests stay, and so does what has no counterpart. Fields that Docker's documents do not know, as
 * annotations, are kept: readers leave out what they do not know.
 */
export function mediaTypesEdit(family: 'docker' | 'oci'): Edits {
  const convert = family === 'docker' ? dockerMediaType : ociMediaType
  const convertDescriptor = (descriptor: Descriptor): Descriptor => ({
    ...descriptor,
    mediaType: convert(descriptor.mediaType),
  })
  return {
    manifest: manifest => ({
      ...manifest,
      mediaType: convert(manifest.mediaType),
      config: convertDescriptor(manifest.config),
      layers: manifest.layers.map(convertDescriptor),
    }),
    index: index => ({ ...index, mediaType: convert(index.mediaType) }),
  }
}
