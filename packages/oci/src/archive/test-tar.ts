/** For tests: an entry of a tar as no sound tool would write it. */
export interface RawEntry {
  readonly name: string
  /** The type flag; `0` by default, a file. */
  readonly type?: string
  readonly link?: string
  readonly content?: Uint8Array | string
  /** The 12 bytes of the size; by default what the content has. */
  readonly size?: string
  /** The 8 bytes of magic and version; ustar by default. */
  readonly magic?: string
  readonly prefix?: string
  /** Bytes written over the header before its checksum is made: at which place, and what. */
  readonly over?: readonly (readonly [at: number, bytes: string])[]
  /** Some old tools added bytes up as signed ones. */
  readonly signed?: boolean
}

export const gnuMagic = 'ustar  \0'
/** Two zero blocks. */
export const endMarker: Buffer = Buffer.alloc(1024)

/** The header block of an entry, its checksum right. Text is Latin-1: a character is a byte. */
export function rawHeader(entry: RawEntry): Buffer {
  const { name, type = '0', link = '', content = '', magic = 'ustar\x0000', prefix = '' } = entry
  const block = Buffer.alloc(512)
  block.write(name, 0, 100, 'latin1')
  block.write('0000644\x000000000\x000000000\0', 100, 'latin1')
  const length = Buffer.from(content).byteLength.toString(8).padStart(11, '0')
  block.write((entry.size ?? `${length}\0`).padEnd(12, '\0'), 124, 12, 'latin1')
  block.write('00000000000\0        ', 136, 'latin1')
  block.write(type, 156, 1, 'latin1')
  block.write(link, 157, 100, 'latin1')
  block.write(magic, 257, 8, 'latin1')
  block.write(prefix, 345, 155, 'latin1')
  for (const [at, bytes] of entry.over ?? []) block.write(bytes, at, 'latin1')
  sealHeader(block, entry.signed)
  return block
}

/** Makes the checksum of a header block right. */
export function sealHeader(block: Buffer, signed = false): void {
  block.write('        ', 148, 'latin1')
  const total = block.reduce((sum, byte) => sum + (signed ? (byte << 24) >> 24 : byte))
  block.write(`${total.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
}

/** Headers, each with its content and what fills its last block; no end marker. */
export function rawTar(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat(
    entries.flatMap(entry => {
      const content = Buffer.from(entry.content ?? '')
      return [rawHeader(entry), content, Buffer.alloc(-content.byteLength & 511)]
    }),
  )
}

/** An extended header of these records, their lengths right. */
export function paxEntry(
  records: readonly (readonly [key: string, value: string])[],
  type = 'x',
): RawEntry {
  const content = records.map(([key, value]) => {
    const rest = ` ${key}=${value}\n`
    let length = Buffer.byteLength(rest)
    while (String(length).length + Buffer.byteLength(rest) !== length)
      length = String(length).length + Buffer.byteLength(rest)
    return `${length}${rest}`
  })
  return { name: 'PaxHeaders/x', type, content: content.join('') }
}

/** A GNU long name (`L`) or long link (`K`) for the entry that follows. */
export function longEntry(type: 'L' | 'K', name: string): RawEntry {
  return { name: '././@LongLink', type, magic: gnuMagic, content: `${name}\0` }
}
