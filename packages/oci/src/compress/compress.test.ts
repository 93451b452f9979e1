import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../documents/digest.ts'
import { type Compression, compress, compressorIdentity } from './compress.ts'
import { decompress } from './decompress.ts'

const run = promisify(execFile)
const MiB = 1024 * 1024

/** Bytes that compress somewhat, the same in every run. */
function sample(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let i = 0, state = 1; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = i % 7 < 3 ? 0x61 : state >>> 24
  }
  return bytes
}

async function* pieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

async function compressed(bytes: Uint8Array, how: Compression, width?: number): Promise<Buffer> {
  return buffer(Readable.from(compress(pieces(bytes), how, width)))
}

const largest = sample(4 * MiB + 1)
const sizes = [
  0,
  1,
  32 * 1024 + 1,
  MiB - 1,
  MiB,
  MiB + 1,
  2 * MiB,
  4 * MiB - 1,
  4 * MiB,
  4 * MiB + 1,
]

describe.each(['gzip', 'zstd', 'none'] as const)('%s', type => {
  it.each(sizes)('gives back %i bytes', async size => {
    const bytes = largest.subarray(0, size)
    const packed = await compressed(bytes, { type, level: 1 })
    const back = await buffer(Readable.from(decompress(pieces(packed, 65_536), type)))
    expect(back.equals(bytes)).toBe(true)
  })

  it('gives the same bytes whatever the width, and however the input is cut', async () => {
    const one = await compressed(largest, { type, level: 2 }, 1)
    for (const width of [2, 8])
      expect((await compressed(largest, { type, level: 2 }, width)).equals(one)).toBe(true)
    const cut = await buffer(Readable.from(compress(pieces(largest, 7777), { type, level: 2 })))
    expect(cut.equals(one)).toBe(true)
  })

  it('ends with the error of its source, and leaves nothing behind', async () => {
    const unhandled: unknown[] = []
    const record = (reason: unknown): unknown => unhandled.push(reason)
    process.on('unhandledRejection', record)
    async function* failing(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 3; i++) yield largest.subarray(0, MiB)
      throw new Error('disk gone')
    }
    for (const width of [1, 8])
      await expect(
        buffer(Readable.from(compress(failing(), { type, level: 1 }, width))),
      ).rejects.toThrow('disk gone')
    await new Promise(resolve => setTimeout(resolve, 20))
    process.off('unhandledRejection', record)
    expect(unhandled).toEqual([])
  })

  it('closes its source when the reader stops', async () => {
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield largest.subarray(0, MiB)
      } finally {
        closed = true
      }
    }
    let chunks = 0
    for await (const _ of compress(endless(), { type, level: 1 })) if (++chunks === 3) break
    expect(closed).toBe(true)
  })
})

describe('what other tools make of it', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orch-compress-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function written(bytes: Uint8Array, type: 'gzip' | 'zstd'): Promise<string> {
    const path = join(folder, `x.${type}`)
    await writeFile(path, await compressed(bytes, { type, level: 1 }))
    return path
  }

  it.each([0, 1, 4 * MiB + 1])('gzip accepts %i bytes', async size => {
    const bytes = largest.subarray(0, size)
    const path = await written(bytes, 'gzip')
    const { stdout, stderr } = await run('sh', ['-c', 'zcat <"$0" | sha256sum', path])
    expect(`sha256:${stdout.slice(0, 64)}${stderr}`).toBe(digestOf(bytes))
  })

  const hasPython = spawnSync('python3', ['--version']).status === 0
  it.skipIf(!hasPython)('Python sees one member, and nothing behind it', async () => {
    for (const size of [0, MiB + 1]) {
      const bytes = largest.subarray(0, size)
      // A decompressobj stops after one member.
      const script =
        'import zlib,sys\nd=zlib.decompressobj(31)\no=d.decompress(open(sys.argv[1],"rb").read())\nprint(d.eof,len(d.unused_data),len(o))'
      const { stdout } = await run('python3', ['-c', script, await written(bytes, 'gzip')])
      expect(stdout.trim()).toBe(`True 0 ${size}`)
    }
  })

  it('says nothing of time, name or system in the gzip header', async () => {
    const packed = await compressed(Buffer.from('x'), { type: 'gzip' })
    expect(packed.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff')
  })

  const hasZstd = spawnSync('zstd', ['--version']).status === 0
  it.skipIf(!hasZstd)('zstd accepts it, frame by frame', async () => {
    for (const size of [0, 1, 4 * MiB, 4 * MiB + 1]) {
      const path = await written(largest.subarray(0, size), 'zstd')
      await run('zstd', ['-qt', path])
      const { stdout } = await run('sh', ['-c', 'zstd -dcq "$0" | sha256sum', path])
      expect(`sha256:${stdout.slice(0, 64)}`).toBe(digestOf(largest.subarray(0, size)))
    }
  })

  it('is decoded at once by Node', async () => {
    const packed = await compressed(largest, { type: 'gzip', level: 1 })
    expect(zlib.gunzipSync(packed).equals(largest)).toBe(true)
  })

  it('is about as small as one stream would be', async () => {
    const text = Buffer.from(
      Array.from({ length: 150_000 }, (_, i) => `line ${i % 997} of it\n`).join(''),
    )
    const chunked = await compressed(text, { type: 'gzip', level: 6 })
    expect(chunked.byteLength).toBeLessThan(zlib.gzipSync(text, { level: 6 }).byteLength * 1.02)
  })
})

describe('what the bytes depend on', () => {
  it('differs by type and level, and names the library', () => {
    const all = [
      { type: 'none' },
      { type: 'gzip' },
      { type: 'gzip', level: 9 },
      { type: 'zstd' },
      { type: 'zstd', level: 9 },
    ] as const
    expect(new Set(all.map(compressorIdentity)).size).toBe(all.length)
    expect(compressorIdentity({ type: 'gzip' })).toContain(process.versions['zlib'] ?? '?')
    expect(compressorIdentity({ type: 'zstd' })).toContain(process.versions['zstd'] ?? '?')
  })
})
