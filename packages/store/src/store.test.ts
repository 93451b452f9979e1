import { existsSync } from 'node:fs'
import { chmod, link, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Descriptor, digestOf, type parseDigest } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { openStore } from './index.ts'
import { filesBelow, mediaType, opened, put, read, temporaryFolder } from './testing.ts'

const described = (text: string): Descriptor => ({
  mediaType,
  digest: digestOf(text),
  size: text.length,
})
const blobFile = (root: string, text: string): string =>
  join(root, 'v1/blobs', digestOf(text).replace(':', '/'))

/** What a store holds beside its empty folders. */
async function contents(root: string): Promise<string[]> {
  const folders = /^v1$|^v1\/(actions|sessions|blobs|blobs\/sha(256|512)|actions\/tidied)$/
  return (await filesBelow(root)).filter(path => !folders.test(path))
}

describe('adding bytes', () => {
  it('keeps them for the next process under their digest', async () => {
    const root = await temporaryFolder()
    const first = await openStore({ root })
    const blob = await put(first, 'hello')
    expect(blob.descriptor).toEqual(described('hello'))
    await first.close()
    expect(await contents(root)).toEqual([
      join('v1/blobs/sha256', digestOf('hello').slice('sha256:'.length)),
    ])
    const second = await opened(root)
    expect(await read(second, described('hello'))).toBe('hello')
    expect(await second.get(described('other'))).toBeUndefined()
  })

  it('gives a blob in a read-only file of its own, opened at any offset', async () => {
    const store = await opened(await temporaryFolder())
    const blob = await put(store, 'hello')
    const path = blob.path ?? ''
    expect(await readFile(path, 'utf8')).toBe('hello')
    expect((await lstat(path)).mode & 0o777).toBe(0o444)
    expect(Buffer.concat(await blob.open({ offset: 3 }).toArray()).toString()).toBe('lo')
  })

  it('takes the same bytes many times at once', async () => {
    const root = await temporaryFolder()
    const store = await opened(root)
    const blobs = await Promise.all(Array.from({ length: 8 }, () => put(store, 'hello')))
    expect(new Set(blobs.map(({ path }) => path)).size).toBe(1)
    expect(await readdir(join(root, 'v1/blobs/sha256'))).toHaveLength(1)
    expect(await read(store, described('hello'))).toBe('hello')
  })

  it('lies under sha512 when that is the digest expected', async () => {
    const store = await opened(await temporaryFolder())
    const expected = { ...described('hello'), digest: digestOf('hello', 'sha512') }
    const blob = await store.add(Readable.from([Buffer.from('hello')]), mediaType, { expected })
    expect(blob.descriptor.digest).toBe(expected.digest)
    expect(await read(store, expected)).toBe('hello')
  })

  it.each([
    ['longer', 'hello, world'],
    ['shorter', 'hell'],
    ['different', 'HELLO'],
  ])('refuses bytes that are %s than what was expected, and keeps nothing', async (_, text) => {
    const root = await temporaryFolder()
    const store = await openStore({ root })
    const expected = described('hello')
    const bytes = Readable.from([Buffer.from(text)])
    await expect(store.add(bytes, mediaType, { expected })).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
    })
    const file = join(await store.scratch('file'), 'in')
    await writeFile(file, text)
    await expect(store.addFile(file, mediaType, { expected })).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
    })
    expect((await contents(root)).filter(path => /blobs|tmp\/[0-9a-f]+$/.test(path))).toEqual([])
    await store.close()
    expect(await contents(root)).toEqual([])
  })

  it('passes on what its source threw, and keeps nothing', async () => {
    const root = await temporaryFolder()
    const store = await opened(root)
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('hel')
      throw Object.assign(new Error('denied'), { code: 'EACCES', syscall: 'read' })
    }
    await expect(store.add(broken(), mediaType)).rejects.toThrow(/^denied$/)
    expect((await contents(root)).filter(path => /blobs|tmp\/./.test(path))).toEqual([])
  })

  it('stops when it is interrupted, ends its source, and keeps nothing', async () => {
    const root = await temporaryFolder()
    const store = await opened(root)
    const control = new AbortController()
    let ended = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield Buffer.alloc(1024)
          control.abort(new Error('Ctrl-C'))
        }
      } finally {
        ended = true
      }
    }
    const adding = store.add(endless(), mediaType, { signal: control.signal })
    await expect(adding).rejects.toThrow('Ctrl-C')
    expect(ended).toBe(true)
    expect((await contents(root)).filter(path => /blobs|tmp\/./.test(path))).toEqual([])
  })
})

describe('adding a file', () => {
  it('moves it', async () => {
    const store = await opened(await temporaryFolder())
    const path = join(await store.scratch('build'), 'out')
    await writeFile(path, 'binary', { mode: 0o755 })
    const { ino } = await lstat(path)
    const blob = await store.addFile(path, mediaType)
    expect(existsSync(path)).toBe(false)
    expect((await lstat(blob.path ?? '')).ino).toBe(ino)
    expect(await read(store, described('binary'))).toBe('binary')
  })

  it('copies one that has another name, through which it could still be written', async () => {
    const store = await opened(await temporaryFolder())
    const path = join(await store.scratch('build'), 'out')
    await writeFile(path, 'binary')
    await link(path, `${path}2`)
    const blob = await store.addFile(path, mediaType)
    await writeFile(`${path}2`, 'changed')
    expect(existsSync(path)).toBe(false)
    expect(await readFile(blob.path ?? '', 'utf8')).toBe('binary')
  })
})

describe('a poisoned blob', () => {
  it('is dropped by the next process that asks for it, and made anew', async () => {
    const root = await temporaryFolder()
    const first = await openStore({ root })
    await put(first, 'hello')
    await first.close()
    await chmod(blobFile(root, 'hello'), 0o644)
    await writeFile(blobFile(root, 'hello'), 'HELLO')
    const second = await opened(root)
    expect(await second.get(described('hello'))).toBeUndefined()
    expect(existsSync(blobFile(root, 'hello'))).toBe(false)
    await put(second, 'hello')
    expect(await read(second, described('hello'))).toBe('hello')
  })

  it('is replaced when the same bytes are added', async () => {
    const root = await temporaryFolder()
    const store = await opened(root)
    await writeFile(blobFile(root, 'hello'), 'HELLO')
    await put(store, 'hello')
    expect(await readFile(blobFile(root, 'hello'), 'utf8')).toBe('hello')
  })

  it('may be a folder or a link', async () => {
    const root = await temporaryFolder()
    const store = await opened(root)
    await mkdir(join(blobFile(root, 'hello'), 'in'), { recursive: true })
    expect(await store.get(described('hello'))).toBeUndefined()
    await put(store, 'hello')
    expect(await readFile(blobFile(root, 'hello'), 'utf8')).toBe('hello')
  })

  it('is not a blob whose descriptor lies about the size', async () => {
    const root = await temporaryFolder()
    const store = await opened(root)
    await put(store, 'hello')
    expect(await store.get({ ...described('hello'), size: 4 })).toBeUndefined()
    expect(await read(store, described('hello'))).toBe('hello')
  })

  it('is never looked for outside the store', async () => {
    const store = await opened(await temporaryFolder())
    const digest = '../../secret' as ReturnType<typeof parseDigest>
    await expect(store.get({ ...described(''), digest })).rejects.toMatchObject({
      code: 'DIGEST_INVALID',
    })
  })
})

describe('a session', () => {
  it('removes its scratch folders when it ends, and refuses work from then on', async () => {
    const root = await temporaryFolder()
    const store = await openStore({ root })
    const one = await store.scratch('go build ../x')
    const other = await store.scratch('go build ../x')
    expect(one).not.toBe(other)
    await mkdir(join(one, 'sealed'))
    await writeFile(join(one, 'sealed', 'file'), '')
    await chmod(join(one, 'sealed'), 0o555)
    await Promise.all([store.close(), store.close()])
    expect(await readdir(join(root, 'v1/sessions'))).toEqual([])
    await expect(put(store, 'late')).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  })
})

describe('a place that cannot be used', () => {
  it('is said when the folder was removed under a running build', async () => {
    const root = await temporaryFolder()
    const store = await opened(root)
    await rm(root, { recursive: true })
    await expect(put(store, 'hello')).rejects.toMatchObject({
      code: 'CACHE_UNUSABLE',
      message: expect.stringContaining('was removed while it was in use'),
    })
  })

  it('is said with a way out', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    await expect(openStore({ root: join(file, 'cache') })).rejects.toMatchObject({
      code: 'CACHE_UNUSABLE',
      message: expect.stringContaining(join(file, 'cache')),
      hint: expect.stringContaining('ORCH_CACHE_DIR'),
    })
  })
})
