import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../documents/digest.ts'
import { blobFromBytes, blobFromFile } from './blob.ts'
import { readBlob } from './verify.ts'

const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, i) => i % 251))
const of = (
  part: Uint8Array,
): { mediaType: string; digest: ReturnType<typeof digestOf>; size: number } => ({
  mediaType: 'application/octet-stream',
  digest: digestOf(part),
  size: part.byteLength,
})

describe('a blob of bytes', () => {
  it('has their digest and size, and opens as often as one likes', async () => {
    const blob = blobFromBytes(bytes, 'a/b', { annotations: { x: 'y' } })
    expect(blob.descriptor).toEqual({ ...of(bytes), mediaType: 'a/b', annotations: { x: 'y' } })
    expect((await buffer(blob.open())).equals(bytes)).toBe(true)
    expect((await buffer(blob.open({ offset: 699_999 }))).equals(bytes.subarray(699_999))).toBe(
      true,
    )
    expect(await buffer(blob.open({ offset: 700_000 }))).toHaveLength(0)
    expect(await buffer(blobFromBytes(Buffer.alloc(0), 'a/b').open())).toHaveLength(0)
  })

  it('does not open after an abort', async () => {
    const opened = blobFromBytes(bytes, 'a/b').open({ signal: AbortSignal.abort() })
    await expect(buffer(opened)).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('a blob in a file', () => {
  let folder = ''
  let path = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orch-blob-'))
    path = join(folder, 'file')
    await writeFile(path, bytes)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('is the whole file, from an offset on', async () => {
    const blob = blobFromFile(path, of(bytes))
    expect(blob.path).toBe(path)
    for (const offset of [0, 1, 262_143, 262_144, 699_999, 700_000, 800_000])
      expect((await buffer(blob.open({ offset }))).equals(bytes.subarray(offset))).toBe(true)
  })

  it('may be a range, which cannot be linked, from an offset within it on', async () => {
    const part = bytes.subarray(1000, 300_000)
    const blob = blobFromFile(path, of(part), { start: 1000, length: 299_000 })
    expect(blob).not.toHaveProperty('path')
    for (const offset of [0, 1, 298_999, 299_000, 400_000])
      expect((await buffer(blob.open({ offset }))).equals(part.subarray(offset))).toBe(true)
    expect(digestOf(await readBlob(blob))).toBe(digestOf(part))
  })

  it('shows that the file is longer or shorter than it should be', async () => {
    for (const size of [bytes.byteLength - 1, bytes.byteLength + 1])
      await expect(readBlob(blobFromFile(path, { ...of(bytes), size }))).rejects.toMatchObject({
        code: 'BLOB_CORRUPT',
      })
    const beyond = blobFromFile(path, of(bytes), { start: 1, length: bytes.byteLength })
    await expect(readBlob(beyond)).rejects.toThrow('has 699999 bytes, not 700000')
  })

  it('is refused when a symbolic link was put in its place', async () => {
    const victim = join(folder, 'victim')
    await writeFile(victim, bytes)
    const blob = blobFromFile(victim, of(bytes))
    expect(await readBlob(blob)).toHaveLength(bytes.byteLength)
    await rename(victim, join(folder, 'elsewhere'))
    await symlink(join(folder, 'elsewhere'), victim)
    await expect(readBlob(blob)).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining(`${victim} is not a regular file`),
    })
  })

  it('is refused when it is a folder or a pipe that nobody writes to', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    await mkdir(join(folder, 'sub'))
    for (const special of [pipe, join(folder, 'sub')])
      await expect(readBlob(blobFromFile(special, of(bytes)))).rejects.toMatchObject({
        code: 'BLOB_CORRUPT',
      })
  })

  it('is missing when it is gone', async () => {
    for (const gone of [join(folder, 'gone'), join(path, 'below-a-file')])
      await expect(readBlob(blobFromFile(gone, of(bytes)))).rejects.toMatchObject({
        code: 'BLOB_MISSING',
      })
  })

  it('stops with the abort of its reader', async () => {
    const controller = new AbortController()
    const stream = blobFromFile(path, of(bytes)).open({ signal: controller.signal })
    const reading = (async () => {
      for await (const _ of stream) controller.abort()
    })()
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  })
})
