import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scanArchive } from './scan.ts'
import {
  endMarker,
  gnuMagic,
  longEntry,
  paxEntry,
  type RawEntry,
  rawHeader,
  rawTar,
} from './test-tar.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-scan-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
async function names(...parts: readonly Uint8Array[]): Promise<readonly string[]> {
  const path = join(folder, `${count++}.tar`)
  await writeFile(path, Buffer.concat(parts))
  return [...(await scanArchive(path)).keys()]
}

const file: RawEntry = { name: 'a', content: 'x' }
const other: RawEntry = { name: 'b', content: 'y' }

describe('the end of a tar', () => {
  const zeros = Buffer.alloc(512)
  it('is two zero blocks: what follows is not read, as no other reader does', async () => {
    expect(await names(rawTar(file), endMarker, rawTar(other), endMarker)).toEqual(['a'])
    expect(await names(rawTar(file), endMarker, Buffer.from('noise'))).toEqual(['a'])
  })

  it('may be absent, or one zero block at the end of the file', async () => {
    expect(await names(rawTar(file))).toEqual(['a'])
    expect(await names(rawTar(file), zeros)).toEqual(['a'])
  })

  it('is not one zero block with more behind it', async () => {
    await expect(names(rawTar(file), zeros, rawTar(other))).rejects.toThrow(
      'entries follow a block of zeros',
    )
    await expect(names(rawTar(file), zeros, Buffer.from('x'))).rejects.toThrow('ends within')
  })
})

describe('extended headers', () => {
  const read = (...entries: readonly RawEntry[]): Promise<readonly string[]> =>
    names(rawTar(...entries), endMarker)

  it('may be empty', async () => {
    expect(await read(paxEntry([]), file, paxEntry([], 'g'), other)).toEqual(['a', 'b'])
  })

  it('name the entry that follows, in the ways of pax and GNU', async () => {
    const long = 'n'.repeat(300)
    const comment = paxEntry([['comment', 'a commit']], 'g')
    expect(await read(comment, paxEntry([['path', long]]), file, other)).toEqual([long, 'b'])
    expect(await read(longEntry('L', long), file, other)).toEqual([long, 'b'])
    const mtime = paxEntry([['mtime', '1.5']])
    expect(await read(longEntry('L', long), mtime, file)).toEqual([long])
    expect(await read({ ...file, prefix: 'p' }, { ...file, magic: gnuMagic })).toEqual(['p/a', 'a'])
    expect(await read({ ...file, name: 'd/', type: '\0', content: '', magic: '' })).toEqual([])
  })

  it.each([
    ['no length', 'path=b\n'],
    ['a length beyond the header', '99 path=b\n'],
    ['a length that is too short', '8 path=b\n'],
    ['a length with a sign', '+10 path=b\n'],
    ['a length of zero', '0 path=b\n'],
    ['no key', '5 =b\n'],
    ['no value', '7 path\n'],
    ['no newline', '10 path=bc'],
    ['a zero byte in a name', '12 path=b\0c\n'],
    ['a name that is empty', '8 path=\n'],
    ['a key twice', '10 path=b\n10 path=b\n'],
    ['an owner that is no number', '9 uid=a\n'],
    ['a time that is no number', '14 mtime=1e3\n'],
    ['more behind the last record', '10 path=b\n\0'],
  ])('are refused with %s', async (_, content) => {
    const extended = { name: 'x', type: 'x', content }
    await expect(read(extended, file)).rejects.toThrow('an extended header that is malformed')
  })

  it('are refused when they are large', async () => {
    const large = longEntry('L', 'n'.repeat(64 * 1024))
    await expect(read(large, file)).rejects.toThrow('an extended header of 65537 bytes')
    const long = paxEntry([['path', 'n'.repeat(4097)]])
    await expect(read(long, file)).rejects.toThrow('a name of more than 4096 bytes')
    const many = Array.from({ length: 1100 }, () => [
      paxEntry([['comment', 'c'.repeat(63_000)]]),
      { name: 'd', type: '5' },
    ])
    await expect(read(...many.flat())).rejects.toThrow('bytes of extended headers')
  })
})

describe('headers', () => {
  it('count, of whatever type they are', async () => {
    const types = ['5', 'g'].map(type => rawHeader({ name: 'd', type }))
    const blocks = Buffer.alloc(200_001 * 512, Buffer.concat(types))
    const began = performance.now()
    await expect(names(blocks)).rejects.toThrow('more than 200000 entries')
    // Quadratic time would be an hour.
    expect(performance.now() - began).toBeLessThan(30_000)
  })

  it('have a checksum, of bytes with or without a sign', async () => {
    const entry: RawEntry = { name: 'aé', content: 'x' }
    const utf8 = { ...entry, name: Buffer.from(entry.name).toString('latin1') }
    expect(await names(rawTar(utf8))).toEqual(['aé'])
    expect(await names(rawTar({ ...utf8, signed: true }))).toEqual(['aé'])
    const wrong = rawTar(file)
    wrong[0] = 0x62
    await expect(names(wrong)).rejects.toThrow('the checksum of a header is wrong')
  })
})
