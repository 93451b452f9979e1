import { constants, createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, open, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { blobFromFile } from '../blob/blob.ts'
import { decompress, sniffCompression } from '../compress/decompress.ts'
import { digestParts } from '../documents/digest.ts'
import { type ImageIndex, parseIndex } from '../documents/image-index.ts'
import { OrchError } from '../errors.ts'
import { diskError } from '../fs/disk-error.ts'
import type { ContentSource } from '../graph/source.ts'
import { type DockerImages, readDockerImages, readMember, type ScannedArchive } from './docker.ts'
import type { ArchiveFormat } from './format.ts'
import { findMember, scanArchive } from './scan.ts'

const damaged =
  'The archive is incomplete or damaged: make it again, or copy it again from where it came.'

/** An open archive: its images are read in place, nothing is unpacked. */
export interface Archive extends ContentSource {
  readonly path: string
  readonly format: ArchiveFormat
  /** One descriptor a name. */
  readonly index: ImageIndex
  /** Removes what had to be decompressed. */
  close(): Promise<void>
}

export interface ArchiveReading {
  /** Which of the two to read when an archive is both; OCI by default. */
  readonly format?: ArchiveFormat
  /** Makes an empty folder for what has to be decompressed; by default below the system's temporary folder. */
  readonly scratch?: () => Promise<string>
  readonly signal?: AbortSignal | undefined
}

/** An archive holds layers that are compressed already, so nothing sound shrinks like this. */
const limits = { maxRatio: 100, ratioFrom: 1024 ** 3 }

/**
 * Opens an image archive, plain or compressed from outside with gzip or zstd; a compressed one is
 * decompressed into a temporary file first, since blobs are read in no fixed order. Throws
 * `ARCHIVE_MISSING`, `ARCHIVE_INVALID`, `COMPRESSION_INVALID`.
 */
export async function openArchive(path: string, options: ArchiveReading = {}): Promise<Archive> {
  const { signal } = options
  const plain = await plainFile(path, options)
  try {
    const members = await scanArchive(plain.file, { name: path, signal })
    const archive: ScannedArchive = { file: plain.file, name: path, members }
    const format = formatOf(archive, options.format)
    return { path, format, close: plain.remove, ...(await contentsOf(archive, format, signal)) }
  } catch (error) {
    await plain.remove()
    throw error
  }
}

async function contentsOf(
  archive: ScannedArchive,
  format: ArchiveFormat,
  signal: AbortSignal | undefined,
): Promise<ContentSource & { index: ImageIndex }> {
  if (format === 'oci') {
    const bytes = await readMember(archive, 'index.json', signal)
    const index = parseIndex(bytes, `${archive.name}: index.json`)
    return { index, blob: async descriptor => ociBlob(archive, descriptor) }
  }
  const images: DockerImages = await readDockerImages(archive, signal)
  return {
    index: images.index,
    blob: async descriptor => {
      const blob = images.blobs.get(descriptor.digest)
      if (blob === undefined)
        throw new OrchError('BLOB_MISSING', `${archive.name} lacks the blob ${descriptor.digest}`)
      return { ...blob, descriptor }
    },
  }
}

function ociBlob(
  archive: ScannedArchive,
  descriptor: Parameters<ContentSource['blob']>[0],
): Awaited<ReturnType<ContentSource['blob']>> {
  const { algorithm, hex } = digestParts(descriptor.digest)
  const member = findMember(archive.members, `blobs/${algorithm}/${hex}`)
  if (member === undefined) {
    throw new OrchError(
      'BLOB_MISSING',
      `${archive.name} lacks the blob ${descriptor.digest} (${descriptor.mediaType})`,
      { hint: damaged },
    )
  }
  if (member.size !== descriptor.size) {
    throw new OrchError(
      'BLOB_CORRUPT',
      `${archive.name}: blob ${descriptor.digest} has ${member.size} bytes, not ${descriptor.size}`,
      { hint: damaged },
    )
  }
  return blobFromFile(archive.file, descriptor, { start: member.offset, length: member.size })
}

function formatOf(
  { members, name }: ScannedArchive,
  wanted: ArchiveFormat | undefined,
): ArchiveFormat {
  // Some readers pass over links, and so would read the other of the two, or another image.
  for (const document of ['index.json', 'oci-layout', 'manifest.json']) {
    if (members.get(document)?.link !== undefined)
      throw new OrchError('ARCHIVE_INVALID', `${name}: ${document} is a link, not a file`)
  }
  const found: ArchiveFormat[] = []
  if (members.has('index.json') && members.has('oci-layout')) found.push('oci')
  if (members.has('manifest.json')) found.push('docker')
  const [first] = found
  if (wanted !== undefined && found.includes(wanted)) return wanted
  if (first === undefined) {
    throw new OrchError(
      'ARCHIVE_INVALID',
      `${name} is a tar, but no image archive: it has neither index.json nor manifest.json`,
    )
  }
  if (wanted === undefined) return first
  throw new OrchError('ARCHIVE_INVALID', `${name} is no ${wanted} archive`, {
    hint: `It can be read as ${first}-archive:.`,
  })
}

/** The archive itself, or a decompressed copy in a temporary folder. */
async function plainFile(
  path: string,
  { scratch = () => mkdtemp(join(tmpdir(), 'orch-archive-')), signal }: ArchiveReading,
): Promise<{ file: string; remove: () => Promise<void> }> {
  const type = sniffCompression(await firstBytes(path))
  // Blobs are read without following links, so the one to the archive is followed here.
  if (type === 'none') return { file: await realpath(path), remove: async () => {} }
  const folder = await scratch()
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const file = join(folder, 'archive.tar')
  try {
    const source = decompress(createReadStream(path, { highWaterMark: 256 * 1024 }), type, limits)
    await pipeline(source, createWriteStream(file), signal === undefined ? {} : { signal })
    return { file, remove }
  } catch (error) {
    await remove()
    throw diskError(error, file)
  }
}

async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    // A pipe would otherwise be waited for, and an archive is read in no fixed order.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      const found = await file.stat()
      if (!found.isFile() && !found.isDirectory()) {
        throw new OrchError('ARCHIVE_INVALID', `${path} is not a regular file`, {
          hint: 'Save what comes through a pipe to a file first.',
        })
      }
      const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT')
      throw new OrchError('ARCHIVE_MISSING', `there is no archive at ${path}`, {
        hint: 'Check the path; it starts from the working directory, or from the project file.',
        cause,
      })
    if (code === 'EISDIR') {
      throw new OrchError('ARCHIVE_INVALID', `${path} is a folder, not an archive`, {
        hint: 'For a layout use oci:.',
        cause,
      })
    }
    throw cause
  }
}
