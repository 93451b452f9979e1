import { buffer } from 'node:stream/consumers'
import { type Blob, blobFromBytes, blobFromFile } from '../blob/blob.ts'
import { sniffCompression } from '../compress/decompress.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { type Digest, Digester, isDigest } from '../documents/digest.ts'
import { parseImageConfig } from '../documents/image-config.ts'
import type { ImageIndex } from '../documents/image-index.ts'
import { encodeManifest } from '../documents/manifest.ts'
import { layerMediaType, mediaTypes } from '../documents/media-types.ts'
import { type Platform, platformOf } from '../documents/platform.ts'
import { OrchError, shown } from '../errors.ts'
import { maxDocumentBytes, parseJson } from '../json.ts'
import { nameToAnnotations } from '../layout/names.ts'
import { parseDockerItems } from './docker-items.ts'
import type { DockerManifestItem } from './format.ts'
import { type ArchiveMember, findMember, readRange } from './scan.ts'

/** An archive's file and what is in it. */
export interface ScannedArchive {
  /** The plain tar. */
  readonly file: string
  /** How messages name it. */
  readonly name: string
  readonly members: ReadonlyMap<string, ArchiveMember>
}

/** Reads a small member whole. Throws `ARCHIVE_INVALID` when it is absent or larger than a document may be. */
export async function readMember(
  archive: ScannedArchive,
  member: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const found = needMember(archive, member)
  if (found.size > maxDocumentBytes) {
    throw new OrchError(
      'ARCHIVE_INVALID',
      `${archive.name}: ${member} is ${found.size} bytes; the limit is ${maxDocumentBytes}`,
    )
  }
  return await buffer(readRange(archive.file, found, { signal }))
}

function needMember(archive: ScannedArchive, member: string): ArchiveMember {
  const found = findMember(archive.members, member)
  if (found === undefined) throw new OrchError('ARCHIVE_INVALID', `${archive.name} lacks ${member}`)
  return found
}

/** What a docker archive holds, as OCI documents: an index with one manifest a name. */
export interface DockerImages {
  readonly index: ImageIndex
  readonly blobs: ReadonlyMap<Digest, Blob>
}

/**
 * Makes OCI manifests of the images that a docker archive lists: configs as they are, layers as they
 * are stored, their compression seen from their first bytes.
 */
export async function readDockerImages(
  archive: ScannedArchive,
  signal?: AbortSignal,
): Promise<DockerImages> {
  const blobs = new Map<Digest, Blob>()
  const configs = new Map<ArchiveMember, Config>()
  const layers = new Map<ArchiveMember, Descriptor>()
  const manifests: Descriptor[] = []
  const list = parseJson(await readMember(archive, 'manifest.json', signal), 'manifest.json')
  for (const item of parseDockerItems(list, archive.name)) {
    signal?.throwIfAborted()
    const configMember = needMember(archive, item.Config)
    const config = configs.get(configMember) ?? (await readConfig(archive, item.Config, signal))
    configs.set(configMember, config)
    blobs.set(config.descriptor.digest, memberBlob(archive, configMember, config.descriptor))
    checkLayerCount(archive, item, config)
    const found: Descriptor[] = []
    for (const [at, path] of item.Layers.entries()) {
      const member = needMember(archive, path)
      const descriptor =
        layers.get(member) ??
        (await layerDescriptor(archive, member, path, config.diffIds[at], signal))
      layers.set(member, descriptor)
      blobs.set(descriptor.digest, memberBlob(archive, member, descriptor))
      found.push(descriptor)
    }
    const manifest = blobFromBytes(
      encodeManifest({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: config.descriptor,
        layers: found,
      }),
      mediaTypes.manifest,
      { platform: config.platform },
    )
    blobs.set(manifest.descriptor.digest, manifest)
    const names = item.RepoTags ?? []
    if (names.length === 0) manifests.push(manifest.descriptor)
    for (const name of names)
      manifests.push({ ...manifest.descriptor, annotations: nameToAnnotations(name) })
  }
  return { index: { schemaVersion: 2, mediaType: mediaTypes.index, manifests }, blobs }
}

/** What is kept of a config; its bytes stay in the archive. */
interface Config {
  readonly descriptor: Descriptor
  readonly platform: Platform
  readonly diffIds: readonly Digest[]
}

async function readConfig(
  archive: ScannedArchive,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Config> {
  const bytes = await readMember(archive, path, signal)
  const parsed = parseImageConfig(bytes, `${archive.name}: ${path}`)
  const { descriptor } = blobFromBytes(bytes, mediaTypes.config)
  return { descriptor, platform: platformOf(parsed), diffIds: parsed.rootfs.diff_ids }
}

/** As engines do, which else would tell one layer's diffID of another. */
function checkLayerCount(
  archive: ScannedArchive,
  { Config: path, Layers: { length } }: DockerManifestItem,
  { diffIds }: Config,
): void {
  if (length === diffIds.length) return
  throw new OrchError(
    'ARCHIVE_INVALID',
    `${archive.name}: ${shown(path)} is of ${diffIds.length} layers, and manifest.json lists ${length}`,
  )
}

function memberBlob(
  archive: ScannedArchive,
  { offset, size }: ArchiveMember,
  descriptor: Descriptor,
): Blob {
  return blobFromFile(archive.file, descriptor, { start: offset, length: size })
}

/** In what newer engines write, the path of a blob is its digest. */
function digestInPath(path: string): Digest | undefined {
  const [, algorithm, hex] = /^blobs\/(\w+)\/(\w+)$/.exec(path) ?? []
  const digest = `${algorithm}:${hex}`
  return isDigest(digest) ? digest : undefined
}

/**
 * The descriptor of a layer as it is stored. What the archive itself tells is believed, as it is verified
 * whenever the layer is read: the path, or the diffID when the layer is not compressed. Else the layer
 * is hashed.
 */
async function layerDescriptor(
  archive: ScannedArchive,
  member: ArchiveMember,
  path: string,
  diffId: Digest | undefined,
  signal?: AbortSignal,
): Promise<Descriptor> {
  const start = await buffer(readRange(archive.file, member, { length: 4, signal }))
  const compression = sniffCompression(start)
  const mediaType = layerMediaType(compression)
  const told = digestInPath(path) ?? (compression === 'none' ? diffId : undefined)
  if (told !== undefined) return { mediaType, digest: told, size: member.size }
  const digester = new Digester()
  for await (const chunk of readRange(archive.file, member, { signal })) digester.update(chunk)
  return { mediaType, digest: digester.digest(), size: digester.size }
}
