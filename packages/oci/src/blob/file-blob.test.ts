import { execFileSync } from 'node:child_process'
import { appendFile, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../documents/digest.ts'
import { fileBlob } from './file-blob.ts'
import { readBlob } from './verify.ts'

describe('the blob of a file', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orch-file-blob-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function written(name: string, bytes: Uint8Array | string): Promise<string> {
    const path = join(folder, name)
    await writeFile(path, bytes)
    return path
  }

  it('has the digest and the bytes of the file, over many buffers', async () => {
    const bytes = Buffer.alloc(2_500_000, 'orch')
    const blob = await fileBlob(await written('big', bytes))
    expect(blob.descriptor).toMatchObject({ digest: digestOf(bytes), size: bytes.byteLength })
    expect(bytes.equals(await readBlob(blob))).toBe(true)
  })

  it('may be of an empty file, and of a file behind a symlink', async () => {
    const empty = await fileBlob(await written('empty', ''))
    expect(empty.descriptor).toMatchObject({ digest: digestOf(''), size: 0 })
    expect(await readBlob(empty)).toHaveLength(0)
    await symlink(await written('real', 'real'), join(folder, 'link'))
    const linked = await fileBlob(join(folder, 'link'))
    expect(Buffer.from(await readBlob(linked)).toString()).toBe('real')
  })

  it.skipIf(process.platform !== 'linux')(
    'may be of a file that does not know its size',
    async () => {
      const path = '/proc/filesystems'
      const blob = await fileBlob(path)
      expect(Buffer.from(await readBlob(blob)).toString()).toBe(await readFile(path, 'utf8'))
    },
  )

  it('cannot be linked into a medium, because the file may still change', async () => {
    expect(await fileBlob(await written('own', 'own'))).not.toHaveProperty('path')
  })

  it('stays what it was when the file grows, and is refused when the file shrinks', async () => {
    const path = await written('log', 'one\n')
    const blob = await fileBlob(path)
    await appendFile(path, 'two\n')
    expect(Buffer.from(await readBlob(blob)).toString()).toBe('one\n')
    await truncate(path, 2)
    await expect(readBlob(blob)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('is refused for folders and named pipes, without waiting for a writer', async () => {
    await expect(fileBlob(folder)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    await expect(fileBlob(pipe)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('is not made after an abort', async () => {
    const path = await written('late', 'late')
    await expect(fileBlob(path, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
  })
})
