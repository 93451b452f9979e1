import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { addAbortSignal, Readable } from 'node:stream'
import { OrchError } from '../errors.ts'
import { type TarEntry, tarEntries } from './tar-entries.ts'
import { refuseEntry, TarRefusal } from './tar-refusal.ts'

/** Where a file of an archive lies in it. */
export interface ArchiveMember {
  readonly offset: number
  readonly size: number
  /** For a link: the name it stands for, inside the archive. */
  readonly link?: string
}

export interface Scanning {
  /** How messages name the archive; its path by default. */
  readonly name?: string
  readonly signal?: AbortSignal | undefined
}

/**
 * The files of a plain tar by name; only headers are read, however large the content. Throws
 * `ARCHIVE_INVALID`, naming the entry, for a name that is absolute or leaves the archive, a name given
 * twice, and all that `tarEntries` refuses.
 */
export async function scanArchive(
  path: string,
  { name = path, signal }: Scanning = {},
): Promise<ReadonlyMap<string, ArchiveMember>> {
  const members = new Map<string, ArchiveMember>()
  const file = await open(path)
  try {
    for await (const entry of tarEntries(file, signal)) addMember(members, entry)
  } catch (cause) {
    if (!(cause instanceof TarRefusal)) throw cause
    throw new OrchError('ARCHIVE_INVALID', `${name} ${cause.message}`, {
      hint: 'It is damaged, or made to be read differently by different tools: make it again, or ask where it came from.',
      cause,
    })
  } finally {
    await file.close()
  }
  return members
}

function addMember(members: Map<string, ArchiveMember>, entry: TarEntry): void {
  const name = insideName(entry.name, entry.name)
  if (entry.type === 'directory') return
  if (name === '') refuseEntry(entry.name, 'has no name')
  if (members.has(name)) refuseEntry(name, 'is there twice')
  if (entry.type === 'file') members.set(name, { offset: entry.offset, size: entry.size })
  else members.set(name, { offset: 0, size: 0, link: linkTarget(name, entry) })
}

/** The name that a link stands for: a symbolic one starts from its folder, a hard one from the root. */
function linkTarget(name: string, { type, link }: TarEntry): string {
  if (type === 'link') return insideName(link, name)
  if (link.startsWith('/')) refuseEntry(name, 'links to an absolute name')
  return insideName([...name.split('/').slice(0, -1), link].join('/'), name)
}

/** A name as a path inside the archive, `.` and inner `..` resolved. */
function insideName(given: string, shownName: string): string {
  if (given.startsWith('/')) refuseEntry(shownName, 'has an absolute name')
  const parts: string[] = []
  for (const part of given.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) refuseEntry(shownName, 'leaves the archive')
  }
  return parts.join('/')
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
  { length = size, signal }: { length?: number; signal?: AbortSignal | undefined } = {},
): Readable {
  const end = offset + Math.min(size, length) - 1
  const stream =
    end < offset
      ? Readable.from([])
      : createReadStream(path, { start: offset, end, highWaterMark: 256 * 1024 })
  return signal === undefined ? stream : addAbortSignal(signal, stream)
}
