import { readdir, truncate, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { cacheUsage, openStore, pruneCache, verifyCache } from './index.ts'
import { mediaType, opened, put, read, temporaryFolder } from './testing.ts'

const month = 31 * 24 * 60 * 60

/** The files of what is kept. */
async function recordsIn(root: string): Promise<string[]> {
  const folder = join(root, 'v1/kept')
  return (await readdir(folder)).map(name => join(folder, name))
}

describe('what is kept', () => {
  it('withstands the size limit, and everything else makes room', async () => {
    const root = await temporaryFolder()
    const store = await openStore({ root, limit: 0 })
    const { descriptor } = await put(store, 'fetched')
    await put(store, 'anything else')
    await store.keep('base x', { blobs: [descriptor], data: { digest: 'x' } })
    await store.close()
    expect(await pruneCache(root, { limit: 0 })).toEqual({ removed: 0, freedBytes: 0 })
    const usage = await cacheUsage(root)
    expect(usage).toMatchObject({ blobs: 1, kept: [{ name: 'base x', blobs: [descriptor] }] })
    const again = await opened(root)
    expect(await read(again, descriptor)).toBe('fetched')
    expect(await again.kept('base x')).toEqual({ digest: 'x' })
    expect(await again.kept('base y')).toBeUndefined()
  })

  it('goes a month after it was last asked for', async () => {
    const root = await temporaryFolder()
    const store = await openStore({ root, limit: 0 })
    const { descriptor } = await put(store, 'fetched')
    await store.keep('base x', { blobs: [descriptor], data: null })
    await store.close()
    const [record = ''] = await recordsIn(root)
    const old = Date.now() / 1000 - month
    await utimes(record, old, old)
    const asking = await openStore({ root, limit: 0 })
    await asking.kept('base x')
    await asking.close()
    expect(await cacheUsage(root)).toMatchObject({ blobs: 1 })
    await utimes(record, old, old)
    expect((await cacheUsage(root)).kept).toEqual([])
    await (await openStore({ root, limit: 0 })).close()
    expect(await cacheUsage(root)).toMatchObject({ blobs: 0 })
    expect(await recordsIn(root)).toEqual([])
  })

  it('goes when the whole cache is emptied', async () => {
    const root = await temporaryFolder()
    const store = await openStore({ root })
    const { descriptor } = await put(store, 'fetched')
    await store.keep('base x', { blobs: [descriptor], data: null })
    await store.close()
    expect(await pruneCache(root, { all: true })).toMatchObject({ removed: 1 })
    expect(await recordsIn(root)).toEqual([])
  })

  it('is dropped when its record is damaged, and found by verifying', async () => {
    const root = await temporaryFolder()
    const store = await opened(root)
    await store.keep('base x', { blobs: [], data: 'x' })
    const [record = ''] = await recordsIn(root)
    await truncate(record, 20)
    expect(await store.kept('base x')).toBeUndefined()
    const { corrupt } = await verifyCache(root)
    expect(corrupt).toEqual([expect.stringMatching(/^kept sha256:/)])
    expect(await recordsIn(root)).toEqual([])
  })

  it('is nothing that the store lacks', async () => {
    const store = await opened(await temporaryFolder())
    const digest = digestOf('never added')
    const kept = store.keep('base x', { blobs: [{ mediaType, digest, size: 1 }], data: null })
    await expect(kept).rejects.toMatchObject({ code: 'ACTION_INCOMPLETE' })
  })
})
