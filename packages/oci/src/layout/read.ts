import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Blob, blobFromFile } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { type Digest, digestParts } from '../documents/digest.ts'
import { type ImageIndex, parseIndex } from '../documents/image-index.ts'
import { OrchError } from '../errors.ts'
import type { ContentSource } from '../graph/source.ts'
import { maxDocumentBytes, parseJsonObject } from '../json.ts'

/** An OCI image layout on disk (image-spec, image-layout.md), for reading. */
export interface Layout extends ContentSource {
  readonly path: string
  /** `index.json`: one descriptor a name. */
  readonly index: ImageIndex
}

export const layoutVersion = '1.0.0'
const damaged =
  'The layout is incomplete or damaged: make it again, or copy it again from where it came.'

/** Where a layout keeps a blob. */
export function blobPath(layout: string, digest: Digest): string {
  const { algorithm, hex } = digestParts(digest)
  return join(layout, 'blobs', algorithm, hex)
}

/**
 * Opens a layout. Throws `LAYOUT_MISSING` when nothing is there, `LAYOUT_INVALID` when it is not a
 * layout or a part of it is a symbolic link. Blobs are looked up when they are asked for: `BLOB_MISSING`
 * when absent, `BLOB_CORRUPT` when the size is wrong, `LAYOUT_INVALID` for a link in a blob's place.
 */
export async function openLayout(path: string): Promise<Layout> {
  const marker = parseJsonObject(await readPart(path, 'oci-layout'), `${path}/oci-layout`)
  const version = marker['imageLayoutVersion']
  if (typeof version !== 'string' || !version.startsWith('1.')) {
    throw new OrchError(
      'LAYOUT_INVALID',
      `${path}: imageLayoutVersion is ${JSON.stringify(version)}; ${layoutVersion} is known`,
    )
  }
  const index = parseIndex(await readPart(path, 'index.json'), `${path}/index.json`)
  return { path, index, blob: descriptor => layoutBlob(path, descriptor) }
}

async function layoutBlob(layout: string, descriptor: Descriptor): Promise<Blob> {
  const { algorithm } = digestParts(descriptor.digest)
  await checkFolders(layout, algorithm)
  const path = blobPath(layout, descriptor.digest)
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined)
    throw new OrchError(
      'BLOB_MISSING',
      `${layout} lacks the blob ${descriptor.digest} (${descriptor.mediaType})`,
      { hint: damaged },
    )
  if (!found.isFile())
    refuseLink(layout, join('blobs', algorithm, digestParts(descriptor.digest).hex))
  if (found.size !== descriptor.size) {
    throw new OrchError(
      'BLOB_CORRUPT',
      `${layout}: blob ${descriptor.digest} has ${found.size} bytes, not ${descriptor.size}`,
      { hint: damaged },
    )
  }
  return blobFromFile(path, descriptor)
}

/** Refuses folders of blobs that are symbolic links: they may leave the layout. Throws `LAYOUT_INVALID`. */
export async function checkFolders(layout: string, algorithm: string): Promise<void> {
  for (const folder of ['blobs', join('blobs', algorithm)]) {
    const found = await lstat(join(layout, folder)).catch(() => undefined)
    if (found !== undefined && !found.isDirectory()) refuseLink(layout, folder)
  }
}

/** Reads a small file of the layout without following a link. */
async function readPart(layout: string, name: string): Promise<Uint8Array> {
  const path = join(layout, name)
  try {
    // A pipe in its place would otherwise be waited for.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
    const file = await open(path, flags)
    try {
      const found = await file.stat()
      if (!found.isFile()) refuseLink(layout, name)
      const { size } = found
      if (size > maxDocumentBytes)
        throw new OrchError(
          'LAYOUT_INVALID',
          `${path} is ${size} bytes; the limit is ${maxDocumentBytes}`,
        )
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ELOOP') refuseLink(layout, name)
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR') throw cause
    const exists = await lstat(layout).catch(() => undefined)
    if (exists === undefined)
      throw new OrchError('LAYOUT_MISSING', `there is no OCI layout at ${layout}`, {
        hint: 'Check the path; it starts from the working directory, or from the project file.',
        cause,
      })
    throw new OrchError(
      'LAYOUT_INVALID',
      `${layout} is not an OCI layout: it has no file ${name}`,
      {
        hint: exists.isFile()
          ? 'It is a file: for an archive use oci-archive: or docker-archive:.'
          : 'Name the folder that holds oci-layout and index.json.',
        cause,
      },
    )
  }
}

function refuseLink(layout: string, name: string): never {
  throw new OrchError('LAYOUT_INVALID', `${layout}: ${name} is not a regular file or folder`, {
    hint: 'Symbolic links in a layout are not followed, since they may leave it.',
  })
}
