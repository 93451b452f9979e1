import type { Blob } from '../blob/blob.ts'
import { OrchError, shown } from '../errors.ts'

interface EntryBase {
  /** Where it stands in the image: relative to the root, `/` between components, such as `app/server`. */
  readonly path: string
  /** Permission bits; by default 0755 for directories, 0644 for files. */
  readonly mode?: number
  /** Owner; 0 by default. */
  readonly uid?: number
  readonly gid?: number
  /** Seconds since 1970; by default the layer's. */
  readonly mtime?: number
  /** PAX records to add, such as `MSWINDOWS.rawsd`; none that says what the entry's fields say. */
  readonly pax?: Readonly<Record<string, string>>
}

export interface FileEntry extends EntryBase {
  readonly type: 'file'
  /** The bytes; their digest is known, so that a layer can be named before it is packed. */
  readonly content: Blob
}

export interface DirectoryEntry extends EntryBase {
  readonly type: 'directory'
}

export interface SymlinkEntry extends EntryBase {
  readonly type: 'symlink'
  /** As a container sees it: absolute, or relative to the link's directory. */
  readonly target: string
}

/** One thing in a layer. */
export type Entry = FileEntry | DirectoryEntry | SymlinkEntry

/**
 * The entries as a layer holds them: paths cleaned, sorted by bytes, so that a directory comes before
 * what it holds. Throws `LAYER_ENTRY_INVALID` for a path that leaves the root, a path given twice, an
 * entry below one that is no directory, a link without a target, a name that tar cannot hold, or a PAX
 * record that would overrule the entry's own fields.
 */
export function normalizeEntries(entries: readonly Entry[]): readonly Entry[] {
  const byPath = new Map<string, Entry>()
  for (const entry of entries) {
    const path = cleanPath(entry.path)
    if (entry.type === 'symlink') checkTarget(path, entry.target)
    if (entry.pax !== undefined) checkRecords(path, entry.pax)
    if (byPath.has(path)) refuse(path, 'is given twice')
    byPath.set(path, { ...entry, path })
  }
  for (const path of byPath.keys()) {
    const above = parents(path).find(
      parent => (byPath.get(parent) ?? { type: 'directory' }).type !== 'directory',
    )
    if (above !== undefined)
      refuse(path, `lies below ${above}, which is a ${byPath.get(above)?.type}`)
  }
  return [...byPath.values()]
    .map(entry => ({ entry, bytes: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ entry }) => entry)
}

/** A path without leading `/`, `.` components and trailing `/`. Throws `LAYER_ENTRY_INVALID` for one that leaves the root. */
export function cleanPath(path: string): string {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (parts.length === 0) refuse(path, 'is the root')
  if (parts.includes('..')) refuse(path, 'leaves the root')
  checkText(path, path, 'path')
  return parts.join('/')
}

function checkTarget(path: string, target: string): void {
  if (target === '') refuse(path, 'is a symbolic link to nothing')
  checkText(path, target, 'target')
}

/** What a header says itself; a record would overrule it behind the checks. */
const ownRecords = new Set(
  'path linkpath size uid gid uname gname mtime atime ctime charset hdrcharset'.split(' '),
)

function checkRecords(path: string, records: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(records)) {
    const isOwn = ownRecords.has(key) || key.startsWith('GNU.sparse.')
    if (key === '' || key.includes('=') || isOwn)
      refuse(path, `has the PAX record ${shown(key)}, which may not be set`)
    checkText(path, key, 'PAX record')
    if (!value.isWellFormed())
      refuse(path, `has a PAX record ${shown(key)} that is not Unicode text`)
  }
}

/** Tar ends names at a NUL byte, and UTF-8 has no bytes for a lone surrogate. */
function checkText(path: string, text: string, what: string): void {
  if (text.includes('\0')) refuse(path, `has a NUL byte in its ${what}`)
  if (!text.isWellFormed()) refuse(path, `has a ${what} that is not Unicode text`)
}

function parents(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'))
}

function refuse(path: string, why: string): never {
  throw new OrchError('LAYER_ENTRY_INVALID', `layer entry ${shown(path)} ${why}`)
}
