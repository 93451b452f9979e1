import { type Blob, blobFromBytes } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import { encodeImageConfig } from '../documents/image-config.ts'
import { encodeIndex } from '../documents/image-index.ts'
import { encodeManifest } from '../documents/manifest.ts'
import { type CompressionType, mediaTypes } from '../documents/media-types.ts'
import { parsePlatform } from '../documents/platform.ts'
import { OrchError } from '../errors.ts'
import { layerStream } from '../layer/layer.ts'
import type { Entry } from '../tar/entry.ts'
import type { ImageSource } from './source.ts'

/** For tests: an image in memory whose blobs can be taken out or spoiled. */
export interface TestImage extends ImageSource {
  readonly blobs: Map<Digest, Blob>
  readonly manifests: readonly Descriptor[]
  /** Adds a blob and returns its descriptor. */
  keep(bytes: Uint8Array, mediaType: string, extra?: Partial<Descriptor>): Descriptor
}

/** An index with one manifest for each platform, each with one layer that holds `entries` and the platform's name. */
export async function testImage(
  platforms: readonly string[] = ['linux/amd64', 'linux/arm64'],
  entries: readonly Entry[] = [],
  compression: CompressionType = 'gzip',
): Promise<TestImage> {
  const blobs = new Map<Digest, Blob>()
  const keep: TestImage['keep'] = (bytes, mediaType, extra = {}) => {
    const blob = blobFromBytes(bytes, mediaType, extra)
    blobs.set(blob.descriptor.digest, blob)
    return blob.descriptor
  }
  const manifests: Descriptor[] = []
  for (const name of platforms) {
    const platform = parsePlatform(name)
    const content = blobFromBytes(Buffer.from(`${name}\n`), mediaTypes.octets)
    const stream = layerStream([...entries, { type: 'file', path: 'platform', content }], {
      compression: { type: compression },
    })
    const chunks: Uint8Array[] = []
    for await (const chunk of stream.bytes) chunks.push(chunk)
    const layer = keep(Buffer.concat(chunks), stream.mediaType)
    const rootfs = { type: 'layers', diff_ids: [stream.diffId()] } as const
    const config = keep(encodeImageConfig({ ...platform, rootfs }), mediaTypes.config)
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: [layer],
    } as const
    manifests.push(keep(encodeManifest(manifest), mediaTypes.manifest, { platform }))
  }
  return rootedAt(
    keep(
      encodeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }),
      mediaTypes.index,
    ),
    {
      blobs,
      manifests,
      keep,
    },
  )
}

/** The same blobs below another root. */
export function rootedAt(root: Descriptor, parts: Omit<TestImage, 'root' | 'content'>): TestImage {
  const blob = async ({ digest }: Descriptor): Promise<Blob> => {
    const found = parts.blobs.get(digest)
    if (found === undefined) throw new OrchError('BLOB_MISSING', `the test image lacks ${digest}`)
    return found
  }
  return { ...parts, root, content: { blob } }
}

/** Puts other bytes in the place of a blob: its source lies from now on. */
export function spoil(
  image: TestImage,
  { digest, mediaType, size }: Descriptor,
  bytes?: Uint8Array,
): void {
  const lie = blobFromBytes(bytes ?? Buffer.alloc(size, 'x'), mediaType)
  image.blobs.set(digest, { ...lie, descriptor: { mediaType, digest, size } })
}
