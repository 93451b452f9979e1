import type tar from 'tar-stream'
import { OrchError, shown } from '../errors.ts'
import { sortedRecord } from '../json.ts'
import type { Entry } from './entry.ts'

/** The largest numbers that tar-stream writes into the octal fields of a ustar header. */
const maxOwner = 0o777_777
const maxTime = 0x7fff_ffff
const maxSize = 0o77_777_777_777
const defaultModes = { file: 0o644, symlink: 0o777, directory: 0o755 } as const
/** tar-stream takes mode 0 for none; it masks this bit out again. */
const someMode = 0o10_000

/** What tar-stream takes for an entry. */
export type TarHeader = Partial<tar.Header> & { readonly name: string }

/**
 * The header of an entry, with PAX records (POSIX.1-2001, pax Interchange Format) for what tar-stream
 * cannot say in ustar. Throws `LAYER_ENTRY_INVALID` for a mode, owner or time that is not a whole
 * number from 0.
 * @param mtime seconds since 1970
 */
export function headerOf(entry: Entry, mtime: number): TarHeader {
  const { path, type, mode = defaultModes[type], uid = 0, gid = 0 } = entry
  checkNumbers(path, { mode, uid, gid, mtime })
  const size = type === 'file' ? entry.content.descriptor.size : 0
  const records = sortedRecord({
    ...entry.pax,
    ...(uid > maxOwner ? { uid: String(uid) } : {}),
    ...(gid > maxOwner ? { gid: String(gid) } : {}),
    ...(mtime > maxTime ? { mtime: String(mtime) } : {}),
    ...(size > maxSize ? { size: String(size) } : {}),
  })
  // With a table of records, even an empty one, tar-stream writes the link's target as a record too.
  const extended = Object.keys(records).length > 0 || (type === 'symlink' && !isAscii(entry.target))
  return {
    name: path,
    type,
    mode: mode | someMode,
    uid: Math.min(uid, maxOwner),
    gid: Math.min(gid, maxOwner),
    mtime: new Date(Math.min(mtime, maxTime) * 1000),
    size,
    ...(type === 'symlink' ? { linkname: entry.target } : {}),
    ...(extended ? { pax: records } : {}),
  }
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}

function checkNumbers(path: string, numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isSafeInteger(value) && value >= 0 && (name !== 'mode' || value <= 0o7777)) continue
    throw new OrchError(
      'LAYER_ENTRY_INVALID',
      `layer entry ${shown(path)} has the ${name} ${value}`,
    )
  }
}
