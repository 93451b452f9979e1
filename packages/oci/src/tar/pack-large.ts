import tar from 'tar-stream'
import { BlobCheck } from '../blob/check.ts'
import { type Stretch, stretches } from '../blob/stretches.ts'
import { OrchError } from '../errors.ts'
import type { Entry, FileEntry } from './entry.ts'
import { headerOf } from './header.ts'

const block = 512
/** Pieces of at least so many bytes lie in memory that is used again; others are copies. */
const reusable = 256 * 1024

export interface LargeTarOptions {
  /** Whose bytes need no check here, since whoever reads the tar checks them. */
  readonly isTrusted: (file: FileEntry) => boolean
  /**
   * The memory of a piece is filled anew when the reader has drawn so many of at least 256 KiB after it:
   * it must have passed it on by then. At least 1.
   */
  readonly reuseAfter: number
  readonly signal?: AbortSignal | undefined
}

/**
 * The same bytes as those of `tarBytes`, for few and large files: in long pieces, in memory that is used
 * again. A file of another size than it should have ends the stream with `BLOB_CORRUPT`, and so does one
 * that is not trusted and has another digest, before its last piece.
 */
export async function* largeTarBytes(
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  { isTrusted, reuseAfter, signal }: LargeTarOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const lent: Stretch[] = []
  const piece = (stretch: Stretch): Uint8Array => {
    if (stretch.data.byteLength < reusable) {
      const copy = Uint8Array.from(stretch.data)
      stretch.release()
      return copy
    }
    lent.push(stretch)
    if (lent.length > reuseAfter) lent.shift()?.release()
    return stretch.data
  }
  for await (const entry of entries) {
    signal?.throwIfAborted()
    yield await headOf(entry)
    if (entry.type !== 'file') continue
    for await (const stretch of checked(entry, isTrusted(entry), signal)) yield piece(stretch)
    const rest = entry.content.descriptor.size % block
    if (rest > 0) yield Buffer.alloc(block - rest)
  }
  yield Buffer.alloc(2 * block)
}

/** How many bytes `largeTarBytes` gives for the entries. */
export async function largeTarSize(entries: Iterable<Entry>): Promise<number> {
  let size = 2 * block
  for (const entry of entries) {
    size += (await headOf(entry)).byteLength
    if (entry.type === 'file') size += Math.ceil(entry.content.descriptor.size / block) * block
  }
  return size
}

async function* checked(
  { content, path }: FileEntry,
  trusted: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<Stretch, void, undefined> {
  const { size } = content.descriptor
  const check = trusted ? undefined : new BlobCheck(content.descriptor, path)
  let at = 0
  let held: Stretch | undefined
  // One byte more than there should be, to see that there is none.
  for await (const stretch of stretches(content, { end: size + 1, signal })) {
    at += stretch.data.byteLength
    check?.update(stretch.data)
    if (at > size) throw wrongSize(path, size, 'more')
    if (held !== undefined) yield held
    held = stretch
  }
  check?.end()
  if (at < size) throw wrongSize(path, size, 'less')
  if (held !== undefined) yield held
}

/** What comes before the content of an entry: its header, and before that a PAX header with its records. */
async function headOf(entry: Entry): Promise<Uint8Array> {
  const pack = tar.pack()
  // Nothing is ever put into it: it is closed when its head was read.
  pack.entry(headerOf(entry, entry.mtime ?? 0)).on('error', () => {})
  let head = Buffer.alloc(0)
  for await (const chunk of pack as AsyncIterable<Uint8Array>) {
    head = Buffer.concat([head, chunk])
    if (isWhole(head)) return head
  }
  return head
}

function isWhole(head: Buffer): boolean {
  let at = 0
  while (at + block <= head.length) {
    if (String.fromCharCode(head[at + 156] ?? 0) !== 'x') return at + block === head.length
    const size = Number.parseInt(head.toString('latin1', at + 124, at + 135), 8)
    at += block + Math.ceil(size / block) * block
  }
  return false
}

function wrongSize(path: string, size: number, how: string): OrchError {
  return new OrchError('BLOB_CORRUPT', `blob ${path} has ${how} than its ${size} bytes`, {
    hint: 'Its source is damaged or lies; fetch or build it again.',
  })
}
