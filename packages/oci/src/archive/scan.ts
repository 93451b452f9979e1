import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable, type Writable } from 'node:stream'
import tar from 'tar-stream'
import { messageOf, OrchError } from '../errors.ts'

/** Where a file of an archive lies in it. */
export interface ArchiveMember {
  readonly offset: number
  readonly size: number
  /** For a link: the name it stands for, inside the archive. */
  readonly link?: string
}

/** The most entries of an archive that are read. */
const maxMembers = 200_000
/** Bytes read from the file at a time; content is not read, so what matters is where headers are. */
const readSize = 32 * 1024
/** Stands for content that is not read. Nobody writes to it or looks at it, so it takes no memory. */
const zeros = Buffer.alloc(16 * 1024 * 1024)

/**
 * The files of a plain tar by name; only headers are read, however large the content. Throws
 * `ARCHIVE_INVALID`, naming the entry, for a name that is absolute or leaves the archive, a name given
 * twice, a device, too many entries, and a damaged tar.
 */
export async function scanArchive(
  path: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ArchiveMember>> {
  const members = new Map<string, ArchiveMember>()
  const file = await open(path)
  try {
    const { size } = await file.stat()
    let contentEnd = 0
    const parser = new TarParser(header => {
      addMember(members, header, path)
      if (header.type !== 'directory') contentEnd = header.byteOffset + header.size
      if (contentEnd > size) throw new Error('Unexpected end of data')
    })
    for (let at = 0; at < size; ) {
      signal?.throwIfAborted()
      // A buffer of its own for each read: the parser keeps what it has not come to yet.
      const { bytesRead, buffer } = await file.read(Buffer.alloc(readSize), 0, readSize, at)
      if (bytesRead === 0) break
      await parser.write(buffer.subarray(0, bytesRead))
      at += bytesRead
      for (; at < contentEnd; at += Math.min(zeros.byteLength, contentEnd - at))
        await parser.write(zeros.subarray(0, contentEnd - at))
    }
    await parser.end()
  } catch (cause) {
    if (cause instanceof OrchError || signal?.aborted === true) throw cause
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw cause
    throw new OrchError('ARCHIVE_INVALID', `${path} is not a whole tar: ${messageOf(cause)}`, {
      cause,
    })
  } finally {
    await file.close()
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

/** Feeds a tar reader one piece at a time, each used up before the next: what it announces then lies behind. */
class TarParser {
  readonly #extract = (tar.extract as (options: object) => unknown)({
    highWaterMark: 1,
  }) as Writable
  readonly #closed: Promise<void>

  constructor(onHeader: (header: Header) => void) {
    this.#extract.on('entry', (header: Header, content: Readable, next: () => void) => {
      // What goes wrong in the content goes wrong in the reader too, which says so.
      content
        .on('error', () => {})
        .on('end', next)
        .resume()
      try {
        onHeader(header)
      } catch (error) {
        this.#extract.destroy(error as Error)
      }
    })
    this.#closed = new Promise((resolve, reject) => {
      this.#extract.once('error', reject).once('close', resolve)
    })
    this.#closed.catch(() => {}) // whoever writes next sees it
  }

  async write(bytes: Uint8Array): Promise<void> {
    const drained = new Promise<void>(resolve => this.#extract.once('drain', resolve))
    if (!this.#extract.write(bytes)) await Promise.race([drained, this.#closed])
  }

  async end(): Promise<void> {
    this.#extract.end()
    await this.#closed
  }
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
