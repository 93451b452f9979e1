import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import tar from 'tar-stream'
import { OrchError } from '../errors.ts'

/** Where a file of an archive lies in it. */
export interface ArchiveMember {
  readonly offset: number
  readonly size: number
  /** For a link: the name it stands for, inside the archive. */
  readonly link?: string
}

/** The most entries of an archive that are read. */
const maxMembers = 200_000

/**
 * The files of a plain tar by name. Throws `ARCHIVE_INVALID`, naming the entry, for a name that is
 * absolute or leaves the archive, a name given twice, a device, too many entries, and a damaged tar.
 */
export async function scanArchive(
  path: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ArchiveMember>> {
  const members = new Map<string, ArchiveMember>()
  const extract = tar.extract()
  extract.on('entry', (header, stream, next) => {
    stream.on('error', next).on('end', next).resume()
    try {
      addMember(members, header as unknown as Header, path)
    } catch (error) {
      extract.destroy(error as Error)
    }
  })
  const source = createReadStream(path, { highWaterMark: 1024 * 1024 })
  try {
    await pipeline(
      source,
      extract as unknown as NodeJS.WritableStream,
      signal === undefined ? {} : { signal },
    )
  } catch (cause) {
    if (cause instanceof OrchError || (cause as Error).name === 'AbortError') throw cause
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw cause
    throw new OrchError(
      'ARCHIVE_INVALID',
      `${path} is not a whole tar: ${(cause as Error).message}`,
      { cause },
    )
  }
  return members
}

interface Header {
  readonly name: string
  readonly type: string
  readonly size: number
  readonly linkname: string | null
  readonly byteOffset: number
}

function addMember(members: Map<string, ArchiveMember>, header: Header, archive: string): void {
  const { type } = header
  const name = insideName(header.name, archive)
  if (type === 'directory') return
  if (members.has(name)) refuse(archive, name, 'is there twice')
  if (members.size >= maxMembers)
    throw new OrchError('ARCHIVE_INVALID', `${archive} has more than ${maxMembers} entries`)
  if (type === 'file' || type === 'contiguous-file') {
    members.set(name, { offset: header.byteOffset, size: header.size })
  } else if (type === 'symlink' || type === 'link') {
    const from = type === 'symlink' ? name.split('/').slice(0, -1).join('/') : ''
    const link = insideName(`${from}/${header.linkname ?? ''}`.replace(/^\//, ''), archive, name)
    members.set(name, { offset: 0, size: 0, link })
  } else refuse(archive, name, `is a ${type}`)
}

/** A name as a path inside the archive, `.` and inner `..` resolved. */
function insideName(given: string, archive: string, shown: string = given): string {
  if (given.startsWith('/') || given.includes('\0')) refuse(archive, shown, 'has an absolute name')
  const parts: string[] = []
  for (const part of given.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) refuse(archive, shown, 'leaves the archive')
  }
  return parts.join('/')
}

function refuse(archive: string, name: string, why: string): never {
  throw new OrchError('ARCHIVE_INVALID', `${archive}: the entry ${JSON.stringify(name)} ${why}`, {
    hint: 'No sound tool writes such an archive; do not trust where it came from.',
  })
}

/** The member of that name, links followed within the archive. */
export function findMember(
  members: ReadonlyMap<string, ArchiveMember>,
  name: string,
): ArchiveMember | undefined {
  let found = members.get(name)
  for (let hops = 0; found?.link !== undefined && hops < 8; hops += 1)
    found = members.get(found.link)
  return found?.link === undefined ? found : undefined
}

/** A stream of some bytes of a file. */
export function readRange(
  path: string,
  { offset, size }: ArchiveMember,
  length: number = size,
): Readable {
  const end = offset + Math.min(size, length) - 1
  return end < offset
    ? Readable.from([])
    : createReadStream(path, { start: offset, end, highWaterMark: 256 * 1024 })
}
