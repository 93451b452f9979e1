import { shown } from '../errors.ts'
import { nameText } from './tar-fields.ts'
import { TarRefusal } from './tar-refusal.ts'

/** What the records of an extended header say that decides which bytes an entry has and what it is called. */
export interface PaxRecords {
  readonly path?: string
  readonly linkpath?: string
  readonly size?: number
  /** Whether it makes a GNU sparse file of the entry. */
  readonly sparse: boolean
}

const whole = /^-?\d{1,18}$/
const time = /^-?\d{1,18}(\.\d*)?$/
/** Values that every reader takes for numbers; an empty one takes back what was said globally. */
const formats: Readonly<Record<string, RegExp>> = {
  uid: whole,
  gid: whole,
  mtime: time,
  atime: time,
  ctime: time,
}

/**
 * Reads the content of an extended header (POSIX.1-2001, pax Extended Header): records of
 * `length key=value` and a newline each. Throws `TarRefusal` for one that is not, for a key that is
 * there twice, and for a value that readers take in different ways.
 */
export function parsePax(content: Buffer): PaxRecords {
  const records = new Map<string, Buffer>()
  for (let rest = content; rest.byteLength > 0; ) {
    const space = rest.indexOf(' ')
    const digits = space === -1 ? '' : rest.toString('latin1', 0, space)
    const length = /^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : 0
    const record = rest.subarray(space + 1, Math.max(length - 1, 0))
    const equals = record.indexOf('=')
    if (length > rest.byteLength || rest[length - 1] !== 0x0a || equals < 1) return malformed()
    const key = record.toString('latin1', 0, equals)
    if (key.includes('\0') || records.has(key)) return malformed(key)
    records.set(key, record.subarray(equals + 1))
    rest = rest.subarray(length)
  }
  checkValues(records)
  const path = records.get('path')
  const linkpath = records.get('linkpath')
  const size = records.get('size')
  return {
    ...(path === undefined ? {} : { path: nameText(path) }),
    ...(linkpath === undefined ? {} : { linkpath: nameText(linkpath) }),
    ...(size === undefined ? {} : { size: Number(size.toString('latin1')) }),
    sparse: [...records.keys()].some(key => key.startsWith('GNU.sparse.')),
  }
}

function checkValues(records: ReadonlyMap<string, Buffer>): void {
  for (const [key, value] of records) {
    const text = value.toString('latin1')
    const format = formats[key]
    if (format !== undefined && text !== '' && !format.test(text)) malformed(key)
    if (key === 'size' && !(/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))))
      malformed(key)
    if ((key === 'path' || key === 'linkpath') && text === '') malformed(key)
    if (['path', 'linkpath', 'uname', 'gname'].includes(key) && text.includes('\0')) malformed(key)
  }
}

function malformed(key?: string): never {
  const where = key === undefined ? '' : ` at the key ${shown(key)}`
  throw new TarRefusal(`holds an extended header that is malformed${where}`)
}
