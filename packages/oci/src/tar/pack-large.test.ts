import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blobFromBytes, blobFromFile } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { digestOf } from '../documents/digest.ts'
import type { Entry, FileEntry } from './entry.ts'
import { tarBytes } from './pack.ts'
import { type LargeTarOptions, largeTarBytes } from './pack-large.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-tar-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const MiB = 1024 * 1024

async function fileOf(bytes: Buffer, lies: Partial<Descriptor> = {}): Promise<FileEntry> {
  const path = join(folder, randomBytes(4).toString('hex'))
  await writeFile(path, bytes)
  const descriptor = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.length, ...lies }
  return { type: 'file', path: 'blobs/file', content: blobFromFile(path, descriptor) }
}

/** Reads as a slow reader does: what it was given `kept` pieces ago is only now used. */
async function drawn(
  entries: readonly Entry[],
  options: Partial<LargeTarOptions> = {},
  kept = 0,
): Promise<Buffer> {
  const waiting: Uint8Array[] = []
  const out: Buffer[] = []
  const use = (): number => out.push(Buffer.from(waiting.shift() ?? []))
  for await (const piece of largeTarBytes(entries, {
    isTrusted: () => false,
    reuseAfter: 2,
    ...options,
  })) {
    waiting.push(piece)
    if (waiting.length > kept) use()
  }
  while (waiting.length > 0) use()
  return Buffer.concat(out)
}

describe('a tar of large files', () => {
  it('has the bytes of every other tar', async () => {
    const entries: Entry[] = [
      { type: 'directory', path: 'blobs' },
      await fileOf(randomBytes(5 * MiB + 1)),
      {
        type: 'file',
        path: `${'long/'.repeat(60)}x`,
        content: blobFromBytes(Buffer.from('x'), 'a/b'),
      },
      await fileOf(Buffer.alloc(0)),
      { type: 'symlink', path: 'link', target: 'ü' },
      await fileOf(randomBytes(512)),
      await fileOf(randomBytes(3 * MiB)),
    ]
    const expected = await buffer(tarBytes(entries))
    for (const trusted of [true, false]) {
      const found = await drawn(entries, { isTrusted: () => trusted }, 2)
      expect(found.equals(expected)).toBe(true)
    }
  })

  it('leaves its memory to the reader for as long as is told, and small pieces for good', async () => {
    const large = await fileOf(randomBytes(20 * MiB))
    const small = await Promise.all(Array.from({ length: 40 }, () => fileOf(randomBytes(700))))
    const entries = [large, ...small, large]
    const expected = await buffer(tarBytes(entries))
    expect((await drawn(entries, { reuseAfter: 4 }, 4)).equals(expected)).toBe(true)
    // It does use it again: a reader that waits longer sees other bytes.
    expect((await drawn(entries, { reuseAfter: 1 }, 12)).equals(expected)).toBe(false)
  })

  it.each([
    ['more', -1],
    ['less', 1],
  ])('ends when a file has %s than it should, trusted or not', async (how, by) => {
    const bytes = randomBytes(2 * MiB)
    const entries = [await fileOf(bytes, { size: bytes.length + by })]
    const trusted = drawn(entries, { isTrusted: () => true })
    await expect(trusted).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
      message: `blob blobs/file has ${how} than its ${bytes.length + by} bytes`,
    })
    await expect(drawn(entries)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('compares digests of what is not trusted alone', async () => {
    const entries = [await fileOf(randomBytes(MiB), { digest: digestOf('other') })]
    await expect(drawn(entries)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
    expect(await drawn(entries, { isTrusted: () => true })).toHaveLength(MiB + 3 * 512)
  })

  it('stops when it is told to', async () => {
    const entries = [await fileOf(randomBytes(4 * MiB))]
    const stopped = drawn(entries, { signal: AbortSignal.abort(new Error('stopped')) })
    await expect(stopped).rejects.toThrow('stopped')
  })
})
