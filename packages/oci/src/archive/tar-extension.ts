import { shown } from '../errors.ts'
import { cString, nameText } from './tar-fields.ts'
import type { TarHeader } from './tar-header.ts'
import { type PaxRecords, parsePax } from './tar-pax.ts'
import { TarRefusal } from './tar-refusal.ts'

/** What extended headers say of the entry that they stand before. */
export interface Extension {
  readonly name?: string
  readonly link?: string
  readonly pax?: PaxRecords
}

/** The most bytes of one extended header: a long name and many attributes. */
const maxContent = 64 * 1024

/** Whether a header's content says something of the next entry, or of all that follow. */
export function isExtension({ type }: TarHeader): boolean {
  return type === 'x' || type === 'g' || type === 'L' || type === 'K'
}

/** Throws `TarRefusal` for an extended header that is too large to be read. */
export function checkExtension({ size }: TarHeader): void {
  if (size > maxContent)
    throw new TarRefusal(
      `holds an extended header of ${size} bytes; at most ${maxContent} are read`,
    )
}

/**
 * What was said of the next entry, and what this header says of it. Throws `TarRefusal` for what readers
 * take in different ways: a second name, records before other headers than their entry, names and sizes
 * for all entries.
 */
export function extend(extension: Extension, type: string, content: Buffer): Extension {
  if (type === 'g') {
    const { path, linkpath, size, sparse } = parsePax(content)
    if (path !== undefined || linkpath !== undefined || size !== undefined || sparse)
      throw new TarRefusal('holds an extended header that gives every entry one name or size')
  }
  if (extension.pax !== undefined || (type === 'g' && !isEmpty(extension))) misplaced()
  if (type === 'g') return extension
  if (type === 'x') {
    const pax = parsePax(content)
    if (extension.name !== undefined && pax.path !== undefined) misplaced()
    if (extension.link !== undefined && pax.linkpath !== undefined) misplaced()
    return { ...extension, pax }
  }
  const key = type === 'L' ? 'name' : 'link'
  if (extension[key] !== undefined) misplaced()
  return { ...extension, [key]: longName(content) }
}

export function isEmpty(extension: Extension): boolean {
  return Object.keys(extension).length === 0
}

/** GNU: a name, and as a rule a zero byte. */
function longName(content: Buffer): string {
  const name = cString(content)
  if (name.byteLength === 0 || content.subarray(name.byteLength).some(byte => byte !== 0))
    throw new TarRefusal(`holds the long name ${shown(content.toString('utf8'))}, which is none`)
  return nameText(name)
}

function misplaced(): never {
  throw new TarRefusal('holds extended headers that do not belong together')
}
