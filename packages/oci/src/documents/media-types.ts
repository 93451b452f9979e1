/** The media types of image-spec v1.1 (media-types.md) and of Docker's image manifest v2, schema 2. */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  foreignLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
  octets: 'application/octet-stream',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const

/** How the bytes of a layer are stored. */
export type CompressionType = 'gzip' | 'zstd' | 'none'

export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest
}

export function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig
}

const layerType =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar)(?:[+.](gzip|zstd))?$/

/** The compression that a layer's media type names; undefined when it is no filesystem layer. */
export function layerCompression(mediaType: string): CompressionType | undefined {
  const match = layerType.exec(mediaType)
  return match === null ? undefined : ((match[1] as CompressionType | undefined) ?? 'none')
}

/**
 * Whether containerd takes it for a layer (its images.IsLayerType): also those whose bytes only others
 * can read, such as encrypted ones.
 */
export function isLayerType(mediaType: string): boolean {
  const [plain = ''] = mediaType.split('+')
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.') ||
    plain.startsWith('application/vnd.docker.image.rootfs.')
  )
}

/** The OCI media type of a layer with this compression. */
export function layerMediaType(compression: CompressionType): string {
  return { gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd, none: mediaTypes.layer }[
    compression
  ]
}

/** Each media type of the specification that has a counterpart of Docker's. */
const counterparts: readonly (readonly [oci: string, docker: string])[] = [
  [mediaTypes.index, mediaTypes.dockerIndex],
  [mediaTypes.manifest, mediaTypes.dockerManifest],
  [mediaTypes.config, mediaTypes.dockerConfig],
  [mediaTypes.layer, mediaTypes.dockerLayer],
  [mediaTypes.layerGzip, mediaTypes.dockerLayerGzip],
  [mediaTypes.layerZstd, mediaTypes.dockerLayerZstd],
  [mediaTypes.foreignLayerGzip, mediaTypes.dockerForeignLayerGzip],
]
const toDocker: ReadonlyMap<string, string> = new Map(counterparts)
const toOci: ReadonlyMap<string, string> = new Map(
  counterparts.map(([oci, docker]) => [docker, oci]),
)

/** Docker's media type for the same content; one without a counterpart stays. */
export function dockerMediaType(mediaType: string): string {
  return toDocker.get(mediaType) ?? mediaType
}

/** The specification's media type for the same content; one without a counterpart stays. */
export function ociMediaType(mediaType: string): string {
  return toOci.get(mediaType) ?? mediaType
}

/** Whether a layer is one that its maker keeps to itself: what it is and where it lies is not ours to change. */
export function isForeignType(mediaType: string): boolean {
  return /\.(?:nondistributable|foreign)\./.test(mediaType)
}
