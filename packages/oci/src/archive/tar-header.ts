import { cString, numeric, octal } from './tar-fields.ts'
import { refuseEntry, TarRefusal } from './tar-refusal.ts'

/** Bytes of a header, and what content is padded to. */
export const blockSize = 512

/** What a header block says. The names are parts of the block. */
export interface TarHeader {
  /** The type flag: one character. */
  readonly type: string
  readonly name: Buffer
  readonly link: Buffer
  /** Bytes of content that follow, whole and at most 2^53. */
  readonly size: number
}

/** A field of numbers, and what it is called. */
const numbers: readonly (readonly [name: string, start: number, length: number])[] = [
  ['mode', 100, 8],
  ['uid', 108, 8],
  ['gid', 116, 8],
  ['mtime', 136, 12],
]
const deviceNumbers: typeof numbers = [
  ['devmajor', 329, 8],
  ['devminor', 337, 8],
]

/**
 * Reads a header block (POSIX.1-1988 ustar, GNU, or the older V7 format). Throws `TarRefusal` when the
 * checksum is wrong, when a number is none, and for a format that readers take for different ones.
 */
export function parseHeader(block: Buffer): TarHeader {
  checkSum(block)
  const format = formatOf(block)
  const own = cString(block.subarray(0, 100))
  for (const field of numbers) needNumber(block, field, own)
  if (format !== 'v7') for (const field of deviceNumbers) needNumber(block, field, own)
  const size = needNumber(block, ['size', 124, 12], own)
  if (size < 0 || !Number.isSafeInteger(size)) refuseNumber('size', own)
  const prefix = cString(block.subarray(345, 500))
  // GNU keeps times and sparse maps there, which no image archive needs; some readers prepend them.
  if (format !== 'ustar' && block.subarray(345, 500).some(byte => byte !== 0))
    refuseEntry(own.toString('utf8'), 'has more than a name in a format without prefixes')
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name: prefix.byteLength === 0 ? own : Buffer.concat([prefix, Buffer.from('/'), own]),
    link: cString(block.subarray(157, 257)),
    size,
  }
}

/** The sum of all bytes with the field itself as spaces; some old tools took bytes for signed ones. */
function checkSum(block: Buffer): void {
  let unsigned = 8 * 0x20
  let high = 0
  for (let at = 0; at < blockSize; at += 1) {
    if (at === 148) at = 156
    const byte = block[at] ?? 0
    unsigned += byte
    high += byte >> 7
  }
  const told = octal(block.subarray(148, 156))
  if (told !== unsigned && told !== unsigned - 256 * high)
    throw new TarRefusal('is no tar, or damaged: the checksum of a header is wrong')
}

function formatOf(block: Buffer): 'v7' | 'ustar' | 'gnu' {
  const magic = block.toString('latin1', 257, 265)
  if (magic === 'ustar  \0') return 'gnu'
  // Joerg Schilling's star has a shorter prefix and ends the block like this.
  const star = block.toString('latin1', 508, 512) === 'tar\0'
  if (magic.startsWith('ustar\0') && !star) return 'ustar'
  if (!magic.startsWith('ustar')) return 'v7'
  throw new TarRefusal('is a tar of a format that is not read: neither POSIX nor GNU')
}

function needNumber(
  block: Buffer,
  [name, start, length]: (typeof numbers)[number],
  entry: Buffer,
): number {
  return numeric(block.subarray(start, start + length)) ?? refuseNumber(name, entry)
}

function refuseNumber(field: string, entry: Buffer): never {
  refuseEntry(entry.toString('utf8'), `has no number for its ${field}`)
}
