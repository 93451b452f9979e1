import { existsSync } from 'node:fs'
import { readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Descriptor, digestParts } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { cacheUsage, openStore, pruneCache, verifyCache } from './index.ts'
import { child, filesBelow, opened, put, temporaryFolder } from './testing.ts'

const pathOf = (root: string, { digest }: Descriptor): string =>
  join(root, 'v1/blobs/sha256', digestParts(digest).hex)

/** A closed store with blobs of ten bytes each; the first was used the longest time ago. */
async function filled(root: string, names: readonly string[]): Promise<Descriptor[]> {
  const store = await openStore({ root })
  const descriptors: Descriptor[] = []
  for (const name of names) {
    const { descriptor } = await put(store, name.padEnd(10, '.'))
    await store.action({ kind: 'make', inputs: name }, async () => ({
      blobs: [descriptor],
      data: null,
    }))
    descriptors.push(descriptor)
  }
  await store.close()
  for (const [index, descriptor] of descriptors.entries())
    await utimes(pathOf(root, descriptor), 1000 + index, 1000 + index)
  return descriptors
}

const kept = async (root: string, descriptors: readonly Descriptor[]): Promise<boolean[]> =>
  descriptors.map(descriptor => existsSync(pathOf(root, descriptor)))

describe('the size limit', () => {
  it('is kept when a store is closed: what was used least recently goes, with its actions', async () => {
    const root = await temporaryFolder()
    const descriptors = await filled(root, ['a', 'b', 'c', 'd'])
    const store = await openStore({ root, limit: 30 })
    await store.get(descriptors[0] as Descriptor)
    await put(store, 'new.......')
    await store.close()
    expect(await kept(root, descriptors)).toEqual([true, false, false, true])
    expect(await cacheUsage(root)).toMatchObject({ blobs: 3, bytes: 30, actions: 2, sessions: 0 })
  })

  it('changes nothing while it is not reached', async () => {
    const root = await temporaryFolder()
    const descriptors = await filled(root, ['a', 'b'])
    await (await openStore({ root, limit: 20 })).close()
    expect(await kept(root, descriptors)).toEqual([true, true])
  })

  it('never takes what another running process uses', async () => {
    const root = await temporaryFolder()
    const [first, second] = await filled(root, ['a', 'b'])
    const other = child(
      root,
      `const store = await openStore({ root })
      const blob = await store.get(${JSON.stringify(first)})
      console.log(blob.path)
      await told()
      for await (const chunk of blob.open()) console.log(String(chunk))
      await store.close()`,
    )
    const path = await other.line()
    expect(await pruneCache(root, { limit: 0 })).toEqual({ removed: 1, freedBytes: 10 })
    expect(await kept(root, [first, second] as Descriptor[])).toEqual([true, false])
    // Even a removal behind the store's back leaves a running build its bytes.
    await rm(pathOf(root, first as Descriptor))
    expect(await readFile(path, 'utf8')).toBe('a.........')
    other.tell()
    expect(await other.line()).toBe('a.........')
    expect(await other.ended).toBe(0)
  })
})

describe('pruning', () => {
  it('removes all that nobody uses', async () => {
    const root = await temporaryFolder()
    await filled(root, ['a', 'b'])
    const store = await opened(root)
    await put(store, '')
    await put(store, 'in use')
    expect(await pruneCache(root, { all: true })).toEqual({ removed: 2, freedBytes: 20 })
    await store.close()
    expect(await pruneCache(root, { all: true })).toEqual({ removed: 2, freedBytes: 6 })
    expect(await cacheUsage(root)).toMatchObject({ blobs: 0, bytes: 0, actions: 0 })
  })

  it('forgets actions that nobody asked for in a month', async () => {
    const root = await temporaryFolder()
    await filled(root, ['a', 'b'])
    const records = (await filesBelow(join(root, 'v1/actions'))).filter(path => /json$/.test(path))
    await utimes(join(root, 'v1/actions', records[0] ?? ''), 1000, 1000)
    await pruneCache(root)
    expect(await cacheUsage(root)).toMatchObject({ blobs: 2, actions: 1 })
  })

  it('finds a store that does not exist empty, and makes none', async () => {
    const root = join(await temporaryFolder(), 'none')
    expect(await pruneCache(root)).toEqual({ removed: 0, freedBytes: 0 })
    expect(await cacheUsage(root)).toMatchObject({ blobs: 0, bytes: 0, actions: 0, entries: [] })
    expect(await verifyCache(root)).toMatchObject({ checked: 0, corrupt: [] })
    expect(existsSync(root)).toBe(false)
  })
})

describe('listing', () => {
  it('shows blobs with size and time, last used first', async () => {
    const root = await temporaryFolder()
    const [a, b] = await filled(root, ['a', 'b'])
    expect((await cacheUsage(root)).entries).toEqual([
      { digest: b?.digest, size: 10, lastUsed: 1001_000 },
      { digest: a?.digest, size: 10, lastUsed: 1000_000 },
    ])
  })
})

describe('verifying', () => {
  it('finds and drops whatever is damaged, and nothing else', async () => {
    const root = await temporaryFolder()
    const [bad, good] = await filled(root, ['a', 'b'])
    expect(await verifyCache(root)).toMatchObject({ checked: 4, corrupt: [] })
    await writeFile(pathOf(root, bad as Descriptor), 'A.........')
    const records = (await filesBelow(join(root, 'v1/actions'))).filter(path => /json$/.test(path))
    await truncate(join(root, 'v1/actions', records[0] ?? ''), 20)
    const key = `sha256:${records[0]?.replace(/[/]|\.json/g, '')}`
    expect(await verifyCache(root)).toEqual({
      root,
      checked: 4,
      corrupt: [`blob ${bad?.digest}`, `action ${key}`],
      staleSessions: 0,
    })
    expect(await kept(root, [bad, good] as Descriptor[])).toEqual([false, true])
    expect(await verifyCache(root)).toMatchObject({ checked: 2, corrupt: [] })
    expect(await readdir(join(root, 'v1/sessions'))).toEqual([])
  })
})
