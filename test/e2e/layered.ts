import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  blobFromBytes,
  type CompressionType,
  type Descriptor,
  type Digest,
  digestOf,
  type Entry,
  encodeImageConfig,
  encodeIndex,
  encodeManifest,
  layerStream,
  localPlatform,
  mediaTypes,
  type Platform,
  parsePlatform,
  writeLayout,
} from '@orch/oci'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { tempFolder } from '../kit/temp.ts'

/** An image on disk, and what a containerd must hold of it: no more and no less. */
export interface LayeredImage {
  /** The path of an OCI layout that holds it alone. */
  readonly layout: string
  readonly digest: Digest
  /** Every blob, sorted. */
  readonly blobs: readonly Digest[]
  /** Those that are not layers, sorted. */
  readonly documents: readonly Digest[]
  /** The chain IDs for this machine's platform, sorted. */
  readonly snapshots: readonly Digest[]
}

/**
 * An image whose every platform has two layers: a small one that all images made here share, and one of
 * `size` random bytes.
 */
export async function layeredImage(
  platforms: readonly string[],
  size: number,
  compression: CompressionType = 'none',
): Promise<LayeredImage> {
  const image = await testImage([])
  image.blobs.clear()
  const manifests: Descriptor[] = []
  const layers = new Set<Digest>()
  let snapshots: Digest[] = []
  for (const name of platforms) {
    const platform = parsePlatform(name)
    const small = await keepLayer(image, 'base', Buffer.from(`${name}\n`), compression)
    const large = await keepLayer(image, 'data', randomBytes(size), compression)
    for (const { descriptor } of [small, large]) layers.add(descriptor.digest)
    if (isHost(platform))
      snapshots = [small.diffId, digestOf(`${small.diffId} ${large.diffId}`)].sort()
    const rootfs = { type: 'layers', diff_ids: [small.diffId, large.diffId] } as const
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: image.keep(encodeImageConfig({ ...platform, rootfs }), mediaTypes.config),
      layers: [small.descriptor, large.descriptor],
    } as const
    manifests.push(image.keep(encodeManifest(manifest), mediaTypes.manifest, { platform }))
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
  const root = image.keep(encodeIndex(index), mediaTypes.index)
  const layout = join(await tempFolder('layered'), 'oci')
  await writeLayout(layout, [{ source: { root, content: image.content }, names: [] }])
  const blobs = [...image.blobs.keys()].sort()
  const documents = blobs.filter(digest => !layers.has(digest))
  return { layout, digest: root.digest, blobs, documents, snapshots }
}

async function keepLayer(
  image: TestImage,
  path: string,
  bytes: Uint8Array,
  compression: CompressionType,
): Promise<{ descriptor: Descriptor; diffId: Digest }> {
  const file: Entry = { type: 'file', path, content: blobFromBytes(bytes, mediaTypes.octets) }
  const stream = layerStream([file], { compression: { type: compression } })
  const chunks: Uint8Array[] = []
  for await (const chunk of stream.bytes) chunks.push(chunk)
  return {
    descriptor: image.keep(Buffer.concat(chunks), stream.mediaType),
    diffId: stream.diffId(),
  }
}

function isHost({ os, architecture }: Platform): boolean {
  const host = localPlatform()
  return os === host.os && architecture === host.architecture
}
