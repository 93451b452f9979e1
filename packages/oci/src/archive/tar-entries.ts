import type { FileHandle } from 'node:fs/promises'
import { shown } from '../errors.ts'
import { checkExtension, type Extension, extend, isEmpty, isExtension } from './tar-extension.ts'
import { nameText } from './tar-fields.ts'
import { blockSize, parseHeader, type TarHeader } from './tar-header.ts'
import { refuseEntry, TarRefusal } from './tar-refusal.ts'
import { TarWindow } from './tar-window.ts'

/** An entry of a tar, and where its content lies. */
export interface TarEntry {
  readonly type: 'file' | 'directory' | 'symlink' | 'link'
  /** As it is written: it may be empty, absolute or lead outside. */
  readonly name: string
  /** What a link stands for, as it is written; empty for all else. */
  readonly link: string
  readonly offset: number
  readonly size: number
}

/** The most entries that are read, of any type. */
const maxEntries = 200_000
/** The most bytes of extended headers in all: some hundred for each entry. */
const maxExtended = 64 * 1024 * 1024
/** The longest name, in bytes: no longer one is a path on Linux (PATH_MAX). */
const maxName = 4096

const types: Readonly<Record<string, TarEntry['type']>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '5': 'directory',
}
/** What messages call others. */
const refusedTypes: Readonly<Record<string, string>> = {
  '3': 'is a character device',
  '4': 'is a block device',
  '6': 'is a named pipe',
  '7': 'is a contiguous file',
  S: 'is a sparse file',
}

/**
 * The entries of a plain tar up to its end marker, in order; only headers are read, however large the
 * content. Understands ustar, GNU (long names, base-256 numbers) and pax. A tar is read as Go's
 * archive/tar reads it, and so as container engines do, or not at all: throws `TarRefusal` for what is
 * malformed, and for all that readers of tars are known to take in different ways.
 */
export async function* tarEntries(
  file: FileHandle,
  signal?: AbortSignal,
): AsyncGenerator<TarEntry, void, undefined> {
  const window = new TarWindow(file, (await file.stat()).size, signal)
  let extension: Extension = {}
  let count = 0
  let extended = 0
  for (let at = 0; at < window.size; ) {
    const block = await window.bytes(at, blockSize)
    if (isZero(block)) {
      await checkEnd(window, at + blockSize)
      break
    }
    const header = parseHeader(block)
    at += blockSize
    // Others are no more than three for an entry.
    if (!isExtension(header) || header.type === 'g') count += 1
    if (count > maxEntries) throw new TarRefusal(`holds more than ${maxEntries} entries`)
    let { size } = header
    if (isExtension(header)) {
      checkExtension(header)
      extended += size
      if (extended > maxExtended)
        throw new TarRefusal(`holds more than ${maxExtended} bytes of extended headers`)
      extension = extend(extension, header.type, await window.bytes(at, size))
    } else {
      const entry = entryOf(header, extension, at)
      if (at + padded(entry.size) > window.size) refuseEntry(entry.name, 'is cut short')
      extension = {}
      size = entry.size
      yield entry
    }
    at += padded(size)
  }
  if (!isEmpty(extension)) throw new TarRefusal('ends after an extended header')
}

function entryOf(header: TarHeader, { name, link, pax }: Extension, offset: number): TarEntry {
  const entry = {
    name: checkName(name ?? pax?.path ?? nameText(header.name)),
    size: pax?.size ?? header.size,
    offset,
  }
  const old = header.type === '\0' // V7, which has no directories but by name
  const type = types[old ? (entry.name.endsWith('/') ? '5' : '0') : header.type]
  if (pax?.sparse === true) refuseEntry(entry.name, 'is a sparse file')
  if (type === undefined) {
    const why = refusedTypes[header.type] ?? `has the unknown type ${shown(header.type)}`
    return refuseEntry(entry.name, why)
  }
  if (type === 'file') {
    if (entry.name.endsWith('/')) refuseEntry(entry.name, 'is a file named like a directory')
    return { ...entry, type, link: '' }
  }
  if (entry.size > 0 || header.size > 0) refuseEntry(entry.name, `is a ${type} with content`)
  if (type === 'directory') return { ...entry, type, link: '' }
  return { ...entry, type, link: checkName(link ?? pax?.linkpath ?? nameText(header.link)) }
}

function checkName(name: string): string {
  if (Buffer.byteLength(name) <= maxName) return name
  return refuseEntry(name, `has a name of more than ${maxName} bytes`)
}

/** Two zero blocks end a tar, whatever follows; or one, when nothing does. */
async function checkEnd(window: TarWindow, at: number): Promise<void> {
  if (at < window.size && !isZero(await window.bytes(at, blockSize)))
    throw new TarRefusal('is damaged: entries follow a block of zeros')
}

const zeros = Buffer.alloc(blockSize)

function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.equals(zeros)
}

/** A size with what fills the last block. */
function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize
}
