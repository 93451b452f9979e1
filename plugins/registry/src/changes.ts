import type { BuiltImage, ExportContext, Image } from '@orch/core'
import {
  annotationsEdit,
  type Blob,
  type Compression,
  chooseManifest,
  compressorIdentity,
  type Digest,
  type EditedLayer,
  type Edits,
  type ImageSource,
  isCompressible,
  isIndexType,
  lastingAnnotations,
  layerCompression,
  mediaTypesEdit,
  OrchError,
  type PlatformManifest,
  recompress,
  recompressedType,
  rewriteImage,
  UsageError,
} from '@orch/oci'
import type { RegistryExportOptions } from './options.ts'

/**
 * The image as the options want it: compression, annotations, media types. Without any of these it is
 * the very same. Throws `PLATFORM_MISSING` for an annotation of a platform that the image does not have,
 * `ANNOTATION_UNPLACED`, and what recompressing throws.
 */
export async function changedImage(
  image: Image,
  source: ImageSource,
  manifests: readonly PlatformManifest[],
  options: RegistryExportOptions,
  context: ExportContext,
): Promise<ImageSource> {
  const { annotations, compression, ociMediaTypes } = options
  const edits: Edits[] = []
  if (compression !== undefined)
    edits.push(compressionEdit(compression, options.forceCompression, baseLayers(image), context))
  if (annotations.length > 0) {
    checkPlaces(image.name, source, manifests, options)
    edits.push(annotationsEdit(annotations))
  }
  if (ociMediaTypes !== undefined) edits.push(mediaTypesEdit(ociMediaTypes ? 'oci' : 'docker'))
  return rewriteImage(source, edits, context.signal)
}

function checkPlaces(
  image: string,
  { root }: ImageSource,
  manifests: readonly PlatformManifest[],
  { annotations }: RegistryExportOptions,
): void {
  const what = `image ${image}`
  for (const { platform } of annotations)
    if (platform !== undefined) chooseManifest(manifests, platform, { what })
  if (isIndexType(root.mediaType)) return
  const unplaced = annotations.find(({ level }) => level !== 'manifest')
  if (unplaced === undefined) return
  const { level, key } = unplaced
  throw new UsageError(
    'ANNOTATION_UNPLACED',
    `${what}: ${key} has no place, it is a lone manifest`,
    { hint: `Write annotation.${key} instead of annotation-${level}.${key}.` },
  )
}

/** The layers that an image built here has of its base: they may be mounted, as long as they stay. */
function baseLayers(image: Image): ReadonlySet<Digest> {
  const manifests = 'manifests' in image ? (image as BuiltImage).manifests : []
  const layers = manifests.flatMap(manifest => manifest.layers)
  return new Set(
    layers.filter(({ from }) => from === 'base').map(({ descriptor }) => descriptor.digest),
  )
}

/** Raised when the bytes of a layer that is compressed anew would change. */
const format = 1

/**
 * Compresses layers in another way, each once and remembered; foreign ones stay. What is compressed so
 * already stays as it is, unless a level is forced upon it.
 */
function compressionEdit(
  compression: Compression,
  force: boolean,
  base: ReadonlySet<Digest>,
  context: ExportContext,
): Edits {
  return {
    async layer(layer) {
      const { digest, mediaType } = layer.blob.descriptor
      const isAsked = force || !base.has(digest)
      const isSo = layerCompression(mediaType) === compression.type
      const stays = isSo && !(force && compression.level !== undefined)
      if (!isAsked || stays || !isCompressible(mediaType)) return layer.blob
      return recompressed(layer, compression, context)
    },
  }
}

async function recompressed(
  layer: EditedLayer,
  compression: Compression,
  context: ExportContext,
): Promise<Blob> {
  const { digest, mediaType, annotations } = layer.blob.descriptor
  const wanted = recompressedType(mediaType, compression)
  const compressor = compressorIdentity(compression)
  const inputs = { format, compressor, mediaType: wanted, from: digest, diffId: layer.diffId }
  const { held } = await context.action(
    { kind: 'compress', inputs },
    () =>
      context.limits.cpu(async () => {
        const { signal } = context
        const bytes = recompress(layer, compression, signal)
        const { descriptor } = await context.store.add(bytes, wanted, { signal })
        return { blobs: [descriptor], data: null }
      }),
    { image: context.image.name },
  )
  const [blob] = held
  if (blob === undefined)
    throw new OrchError('STORE_INVALID', 'the store remembers a layer without its blob')
  if (annotations === undefined) return blob
  return {
    ...blob,
    descriptor: { ...blob.descriptor, annotations: lastingAnnotations(annotations) },
  }
}
