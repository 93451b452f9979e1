import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Blob, blobFromBytes } from '../blob/blob.ts'
import { type Compression, compress } from '../compress/compress.ts'
import { type Digest, digestParts } from '../documents/digest.ts'
import { encodeIndex } from '../documents/image-index.ts'
import type { Manifest } from '../documents/manifest.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { familiarReference, parseReference, withDefaultTag } from '../documents/reference.ts'
import { OrchError } from '../errors.ts'
import { syncDirectory } from '../fs/atomic.ts'
import { inTheWay, makeFolder } from '../fs/folder.ts'
import { temporaryFor } from '../fs/temporary.ts'
import { walkGraph } from '../graph/walk.ts'
import { encodeJson } from '../json.ts'
import { type NamedImage, topDescriptors } from '../layout/names.ts'
import { layoutVersion } from '../layout/read.ts'
import type { Entry, FileEntry } from '../tar/entry.ts'
import { tarBytes } from '../tar/pack.ts'
import type { ArchiveFormat, DockerManifestItem } from './format.ts'

export interface ArchiveOptions {
  readonly format: ArchiveFormat
  /** Of the archive as a whole; none by default, since layers are compressed already. */
  readonly compression?: Compression
  readonly signal?: AbortSignal | undefined
}

/**
 * The bytes of an archive that holds the images. Documents come first, so that a reader that streams
 * knows what follows. The docker format is an OCI archive with `manifest.json` beside, which every
 * engine reads; it takes images of one platform only (`ARCHIVE_SINGLE_PLATFORM`).
 */
export async function* archiveBytes(
  images: readonly NamedImage[],
  options: ArchiveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { format, signal, compression = { type: 'none' } } = options
  const blobs = new Map<Digest, Blob>()
  const docker: DockerManifestItem[] = []
  for (const { source, names } of images) {
    const manifests: Manifest[] = []
    for await (const { descriptor, blob, document } of walkGraph(source, { signal })) {
      blobs.set(descriptor.digest, blob)
      if (document?.kind === 'manifest') manifests.push(document.manifest)
    }
    if (format === 'docker') docker.push(dockerItem(manifests, names))
  }
  const parts = { images, blobs: [...blobs.values()], ...(format === 'docker' ? { docker } : {}) }
  yield* compress(tarBytes(archiveEntries(parts), { signal }), compression)
}

/** What an archive consists of. */
export interface ArchiveParts {
  /** What `index.json` lists. */
  readonly images: readonly NamedImage[]
  /** What `manifest.json` lists; there is none without it. */
  readonly docker?: readonly DockerManifestItem[]
  /** Every blob that is to be in it, documents among them. */
  readonly blobs: readonly Blob[]
}

/** What an archive of these parts has in it, the documents first. What it names and does not hold is the caller's affair. */
export function archiveEntries({ images, docker, blobs }: ArchiveParts): readonly Entry[] {
  const index = encodeIndex({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.flatMap(topDescriptors),
  })
  return [
    file('oci-layout', encodeJson({ imageLayoutVersion: layoutVersion })),
    file('index.json', index),
    ...(docker === undefined ? [] : [file('manifest.json', encodeJson(docker))]),
    ...blobEntries(blobs),
  ]
}

/** Writes an archive to a file, which appears whole or not at all, under a lasting name. Throws `DISK_FULL`. */
export async function writeArchive(
  path: string,
  images: readonly NamedImage[],
  options: ArchiveOptions,
): Promise<void> {
  const { signal } = options
  const unmake = await makeFolder(dirname(path))
  const temporary = await temporaryFor(path)
  try {
    const file = createWriteStream(temporary, {
      flags: 'wx',
      flush: true,
      highWaterMark: 1024 * 1024,
    })
    await pipeline(archiveBytes(images, options), file, signal === undefined ? {} : { signal })
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true })
    await unmake()
    throw inTheWay(error, path)
  }
}

function dockerItem(manifests: readonly Manifest[], names: readonly string[]): DockerManifestItem {
  const [manifest] = manifests
  if (manifest === undefined || manifests.length > 1) {
    throw new OrchError(
      'ARCHIVE_SINGLE_PLATFORM',
      `a docker archive holds one platform of an image; this image has ${manifests.length}`,
      {
        hint: 'Choose one with platform=os/arch, or write an OCI archive.',
      },
    )
  }
  return {
    Config: archivePath(manifest.config.digest),
    RepoTags: names.map(name => familiarReference(withDefaultTag(parseReference(name)))),
    Layers: manifest.layers.map(layer => archivePath(layer.digest)),
  }
}

/** Where an archive holds a blob. */
export function archivePath(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest)
  return `blobs/${algorithm}/${hex}`
}

function blobEntries(blobs: readonly Blob[]): Entry[] {
  const algorithms = [
    ...new Set(blobs.map(blob => digestParts(blob.descriptor.digest).algorithm)),
  ].sort()
  const folders = ['blobs', ...algorithms.map(algorithm => `blobs/${algorithm}`)]
  const sorted = blobs.toSorted((a, b) => (a.descriptor.digest < b.descriptor.digest ? -1 : 1))
  return [
    ...(blobs.length === 0 ? [] : folders).map((path): Entry => ({ type: 'directory', path })),
    ...sorted.map(blobEntry),
  ]
}

/** A blob as an archive holds it. */
export function blobEntry(content: Blob): FileEntry {
  return { type: 'file', path: archivePath(content.descriptor.digest), content }
}

function file(path: string, bytes: Uint8Array): Entry {
  return { type: 'file', path, content: blobFromBytes(bytes, mediaTypes.octets) }
}
