import { buffer } from 'node:stream/consumers'
import { type Blob, blobFromBytes, blobFromFile } from '../blob/blob.ts'
import { sniffCompression } from '../compress/decompress.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { type Digest, Digester, isDigest } from '../documents/digest.ts'
import { parseImageConfig } from '../documents/image-config.ts'
import type { ImageIndex } from '../documents/image-index.ts'
import { encodeManifest } from '../documents/manifest.ts'
import { layerMediaType, mediaTypes } from '../documents/media-types.ts'
import { platformOf } from '../documents/platform.ts'
import { OrchError } from '../errors.ts'
import { isObject, type Json, maxDocumentBytes, parseJson } from '../json.ts'
import { nameToAnnotations } from '../layout/names.ts'
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
export async function readMember(archive: ScannedArchive, member: string): Promise<Uint8Array> {
  const found = needMember(archive, member)
  if (found.size > maxDocumentBytes) {
    throw new OrchError(
      'ARCHIVE_INVALID',
      `${archive.name}: ${member} is ${found.size} bytes; the limit is ${maxDocumentBytes}`,
    )
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of readRange(archive.file, found)) chunks.push(chunk)
  return Buffer.concat(chunks)
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
  const layers = new Map<ArchiveMember, Descriptor>()
  const manifests: Descriptor[] = []
  for (const item of parseItems(
    parseJson(await readMember(archive, 'manifest.json'), 'manifest.json'),
    archive.name,
  )) {
    const bytes = await readMember(archive, item.Config)
    const config = blobFromBytes(bytes, mediaTypes.config)
    const parsed = parseImageConfig(bytes, `${archive.name}: ${item.Config}`)
    const { diff_ids: diffIds } = parsed.rootfs
    blobs.set(config.descriptor.digest, config)
    const found: Descriptor[] = []
    for (const [at, path] of item.Layers.entries()) {
      const member = needMember(archive, path)
      const descriptor =
        layers.get(member) ?? (await layerDescriptor(archive, member, path, diffIds[at], signal))
      layers.set(member, descriptor)
      const range = { start: member.offset, length: member.size }
      blobs.set(descriptor.digest, blobFromFile(archive.file, descriptor, range))
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
      { platform: platformOf(parsed) },
    )
    blobs.set(manifest.descriptor.digest, manifest)
    const names = item.RepoTags ?? []
    if (names.length === 0) manifests.push(manifest.descriptor)
    for (const name of names)
      manifests.push({ ...manifest.descriptor, annotations: nameToAnnotations(name) })
  }
  return { index: { schemaVersion: 2, mediaType: mediaTypes.index, manifests }, blobs }
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
  const start = await buffer(readRange(archive.file, member, 4))
  const compression = sniffCompression(start)
  const mediaType = layerMediaType(compression)
  const told = digestInPath(path) ?? (compression === 'none' ? diffId : undefined)
  if (told !== undefined) return { mediaType, digest: told, size: member.size }
  const digester = new Digester()
  for await (const chunk of readRange(archive.file, member)) {
    signal?.throwIfAborted()
    digester.update(chunk)
  }
  return { mediaType, digest: digester.digest(), size: digester.size }
}

function parseItems(value: Json, archive: string): readonly DockerManifestItem[] {
  const bad = (): never => {
    throw new OrchError(
      'ARCHIVE_INVALID',
      `${archive}: manifest.json is not a list of {Config, RepoTags, Layers}`,
    )
  }
  if (!Array.isArray(value)) return bad()
  const texts = (item: Json | undefined): item is readonly string[] =>
    Array.isArray(item) && item.every(text => typeof text === 'string')
  return value.map(item => {
    if (!isObject(item) || typeof item['Config'] !== 'string' || !texts(item['Layers']))
      return bad()
    const tags = item['RepoTags'] ?? null
    if (tags !== null && !texts(tags)) return bad()
    return { Config: item['Config'], RepoTags: tags, Layers: item['Layers'] }
  })
}
