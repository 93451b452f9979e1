import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../documents/digest.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { type Blob, blobFromBytes, blobFromFile } from './blob.ts'
import { saveBlob } from './save.ts'

const bytes = randomBytes(3_500_000)
const of = (content: Uint8Array) => blobFromBytes(content, mediaTypes.octets).descriptor

let folder = ''
let source = ''
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-save-'))
  source = join(folder, 'source')
  await writeFile(source, Buffer.concat([Buffer.from('head'), bytes, Buffer.from('tail')]))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const fresh = (): string => join(folder, String(count++))
const range = { start: 4, length: bytes.byteLength }
const inFile = (): Blob => blobFromFile(source, of(bytes), range)
const inMemory = (): Blob => blobFromBytes(bytes, mediaTypes.octets)

describe('a blob that is saved', () => {
  it.each([
    ['a file', inFile],
    ['memory', inMemory],
    ['many small pieces', () => ({ ...inMemory(), open: pieces })],
  ])('is the same, from %s', async (_, blob) => {
    const path = fresh()
    await saveBlob(blob(), path, undefined)
    expect((await readFile(path)).equals(bytes)).toBe(true)
  })

  it('may be large, and several at once: memory that is used again is not mixed up', async () => {
    const parts = Array.from({ length: 12 }, (_, at) => Buffer.alloc(5_000_000, `${at} `))
    await Promise.all(
      parts.map(async (part, at) => {
        const from = join(folder, `part${at}`)
        await writeFile(from, part)
        const path = fresh()
        await saveBlob(blobFromFile(from, of(part)), path, undefined)
        expect((await readFile(path)).equals(part)).toBe(true)
      }),
    )
  })

  it.each([
    ['too long', (blob: Blob) => ({ ...blob.descriptor, size: bytes.byteLength - 1 })],
    ['too short', (blob: Blob) => ({ ...blob.descriptor, size: bytes.byteLength + 1 })],
    ['another', (blob: Blob) => ({ ...blob.descriptor, digest: digestOf('other') })],
  ])('is refused when it is %s', async (_, descriptor) => {
    for (const blob of [inFile(), inMemory()]) {
      const lie = { ...blob, descriptor: descriptor(blob) }
      await expect(saveBlob(lie, fresh(), undefined)).rejects.toMatchObject({
        code: 'BLOB_CORRUPT',
      })
    }
  })

  it('replaces nothing', async () => {
    const path = fresh()
    await writeFile(path, 'mine')
    await expect(saveBlob(inFile(), path, undefined)).rejects.toMatchObject({ code: 'EEXIST' })
    expect(await readFile(path, 'utf8')).toBe('mine')
  })

  it('ends when it is aborted, though nothing comes', async () => {
    const controller = new AbortController()
    const open = () => new Readable({ read() {} })
    setTimeout(() => controller.abort(), 20)
    await expect(
      saveBlob({ ...inMemory(), open }, fresh(), controller.signal),
    ).rejects.toMatchObject({ name: 'AbortError' })
  })
})

function pieces(): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.byteLength; at += 999) yield bytes.subarray(at, at + 999)
    })(),
    { objectMode: false },
  )
}
