import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DecompressionLimits, decompress, sniffCompression } from './decompress.ts'

const one = { gzip: zlib.gzipSync, zstd: zlib.zstdCompressSync }
const noise = randomBytes(300_000)
const MiB = 1024 * 1024

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

async function plain(
  bytes: Uint8Array,
  type: 'gzip' | 'zstd' | 'none',
  options: DecompressionLimits & { pieces?: number } = {},
): Promise<Buffer> {
  const { pieces: size = 65_536, ...limits } = options
  return buffer(Readable.from(decompress(pieces(bytes, size), type, limits)))
}
const invalid = expect.objectContaining({ code: 'COMPRESSION_INVALID' })
const bomb = expect.objectContaining({ code: 'COMPRESSION_BOMB' })

describe.each(['gzip', 'zstd'] as const)('decompressing %s', type => {
  const a = one[type]('first')
  const b = one[type](noise)
  const both = Buffer.concat([Buffer.from('first'), noise])

  it.each([1, 7, 4096, 65_536, 1e6])(
    'reads all parts that follow one another, in pieces of %i',
    async size => {
      const bytes = size < 4096 ? Buffer.concat([a, a, a]) : Buffer.concat([a, b, a, b])
      const expected = size < 4096 ? Buffer.from('firstfirstfirst') : Buffer.concat([both, both])
      expect((await plain(bytes, type, { pieces: size })).equals(expected)).toBe(true)
    },
  )

  it('reads parts that end where a piece ends, and empty parts', async () => {
    expect(String(await plain(Buffer.concat([a, a]), type, { pieces: a.byteLength }))).toBe(
      'firstfirst',
    )
    expect(String(await plain(Buffer.concat([one[type](''), a, one[type]('')]), type))).toBe(
      'first',
    )
  })

  it.each([1, 65_536])(
    'never takes a truncated stream for a whole one, in pieces of %i',
    async size => {
      const three = Buffer.concat([a, a, one[type]('x'.repeat(500))])
      const ends = new Set([a.byteLength, 2 * a.byteLength, three.byteLength])
      for (let length = 0; length < three.byteLength; length++) {
        const reading = plain(three.subarray(0, length), type, { pieces: size })
        if (ends.has(length)) await reading
        else await expect(reading).rejects.toEqual(invalid)
      }
    },
  )

  it.each([
    ['bytes of something else', Buffer.from('garbage')],
    ['zeros', Buffer.alloc(3)],
    ['zeros and then more', Buffer.concat([Buffer.alloc(2), one[type]('hidden')])],
    ['one byte', Buffer.from([0x1f])],
  ])('is refused when %s come after the end', async (_what, tail) => {
    for (const size of [1, a.byteLength, 65_536])
      await expect(plain(Buffer.concat([a, tail]), type, { pieces: size })).rejects.toEqual(invalid)
  })

  it('is refused when it is damaged, or something else', async () => {
    const damaged = Buffer.from(b)
    damaged[150_000] = (damaged[150_000] ?? 0) ^ 0xff
    // Without a checksum zstd can only show damage to its structure.
    if (type === 'gzip') await expect(plain(damaged, type)).rejects.toEqual(invalid)
    await expect(plain(Buffer.from('not compressed'), type)).rejects.toEqual(invalid)
    await expect(plain(one[type === 'gzip' ? 'zstd' : 'gzip']('x'), type)).rejects.toEqual(invalid)
    await expect(plain(Buffer.alloc(0), type)).rejects.toEqual(invalid)
  })

  it('stops at a limit of bytes', async () => {
    await expect(plain(b, type, { maxBytes: 299_999 })).rejects.toEqual(bomb)
    expect(await plain(b, type, { maxBytes: 300_000 })).toHaveLength(300_000)
  })

  it('stops at a limit of the ratio, counted from a size on', async () => {
    const zeros = one[type](Buffer.alloc(8 * MiB))
    await expect(plain(zeros, type, { maxRatio: 100, ratioFrom: MiB })).rejects.toEqual(bomb)
    expect(await plain(zeros, type, { maxRatio: 100, ratioFrom: 8 * MiB })).toHaveLength(8 * MiB)
  })

  it('lets an honest layer of zeros pass', async () => {
    expect(await plain(one[type](Buffer.alloc(8 * MiB)), type)).toHaveLength(8 * MiB)
  })

  it('ends with the error of its source', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield b.subarray(0, 1000)
      throw new Error('connection lost')
    }
    await expect(buffer(Readable.from(decompress(failing(), type)))).rejects.toThrow(
      'connection lost',
    )
  })

  it('closes its source when the reader stops', async () => {
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield b
      } finally {
        closed = true
      }
    }
    for await (const _ of decompress(endless(), type)) break
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(closed).toBe(true)
  })
})

describe('zstd frames', () => {
  it('are found whatever their form: checksums, run-length and raw blocks, all header sizes', async () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(Buffer.alloc(70_000), noise.subarray(0, 70_000), Buffer.alloc(0), noise),
    )
    const frame = fc.record({
      content,
      checksum: fc.boolean(),
      sized: fc.boolean(),
      level: fc.constantFrom(1, 3, 9),
    })
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9])
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(7, 4096, 1e6),
        fc.boolean(),
        async (frames, size, skipping) => {
          const parts = frames.map(({ content, checksum, sized, level }) =>
            zlib.zstdCompressSync(content, {
              params: {
                [zlib.constants.ZSTD_c_checksumFlag]: checksum ? 1 : 0,
                [zlib.constants.ZSTD_c_contentSizeFlag]: sized ? 1 : 0,
                [zlib.constants.ZSTD_c_compressionLevel]: level,
              },
            }),
          )
          const bytes = Buffer.concat(
            parts.flatMap(part => (skipping ? [part, skippable] : [part])),
          )
          const pieceSize = bytes.byteLength > 20_000 ? Math.max(size, 4096) : size
          const found = await plain(bytes, 'zstd', { pieces: pieceSize, maxRatio: 1e9 })
          expect(found.equals(Buffer.concat(frames.map(item => item.content)))).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('are refused when the last is cut off, whichever kind it is', async () => {
    const first = one.zstd('first')
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(String(await plain(Buffer.concat([first, skippable]), 'zstd'))).toBe('first')
    for (let length = 1; length < skippable.byteLength; length++)
      for (const size of [1, 65_536]) {
        const bytes = Buffer.concat([first, skippable.subarray(0, length)])
        await expect(plain(bytes, 'zstd', { pieces: size })).rejects.toEqual(invalid)
      }
  })

  it('show damage where they carry a checksum', async () => {
    const params = { [zlib.constants.ZSTD_c_checksumFlag]: 1 }
    const packed = zlib.zstdCompressSync(noise, { params })
    packed[150_000] = (packed[150_000] ?? 0) ^ 0xff
    await expect(plain(packed, 'zstd')).rejects.toEqual(invalid)
  })
})

describe('plain bytes', () => {
  it('pass through, up to the limit', async () => {
    expect((await plain(noise, 'none')).equals(noise)).toBe(true)
    await expect(plain(noise, 'none', { maxBytes: 1000 })).rejects.toEqual(bomb)
  })
})

describe('the first bytes of a stream', () => {
  it('say its compression', () => {
    expect(sniffCompression(one.gzip('x'))).toBe('gzip')
    expect(sniffCompression(one.zstd('x'))).toBe('zstd')
    expect(sniffCompression(Buffer.from('ustar'))).toBe('none')
    for (const short of [[], [0x1f], [0x28, 0xb5, 0x2f]])
      expect(sniffCompression(Uint8Array.from(short))).toBe('none')
  })
})
