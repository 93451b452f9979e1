import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chown, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf, ownerToName } from '@orch/oci'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cacheUsage, openStore, pruneCache, verifyCache } from './index.ts'
import { child, filesBelow, mediaType, opened, put, temporaryFolder } from './testing.ts'

describe('a process that is killed', () => {
  it('at any instant leaves a valid store, and what it left half-done is swept', async () => {
    const root = await temporaryFolder()
    const others = Array.from({ length: 3 }, () =>
      child(
        root,
        `const store = await openStore({ root, limit: 300_000 })
        console.log('ready')
        await store.scratch('left')
        for (let n = 0; ; n++) {
          const text = String(n % 50).repeat(5000)
          const run = async () =>
            ({ blobs: [(await store.add(bytes(text), 'a/b')).descriptor], data: n % 50 })
          await Promise.all([
            store.action({ kind: 'repeat', inputs: n % 50 }, run),
            store.add(bytes('x' + n), 'a/b'),
          ])
        }`,
      ),
    )
    await Promise.all(others.map(other => other.line()))
    const killed = others.map(async (other, index) => {
      await sleep(30 + index * 37 + Math.random() * 60)
      other.process.kill('SIGKILL')
      expect(await other.ended).toBe('SIGKILL')
    })
    await Promise.all(killed)
    const check = await verifyCache(root)
    expect(check.checked).toBeGreaterThan(0)
    expect(check).toMatchObject({ corrupt: [], staleSessions: 3 })
    expect(await readdir(join(root, 'v1/sessions'))).toEqual([])
  })

  it('is swept by the next that opens the store, while living ones stay', async () => {
    const root = await temporaryFolder()
    const living = await opened(root)
    const scratch = await living.scratch('mine')
    const dead = child(
      root,
      `const store = await openStore({ root })
      console.log(await store.scratch('left'))
      await told()`,
    )
    const left = await dead.line()
    expect((await cacheUsage(root)).sessions).toBe(2)
    dead.process.kill('SIGKILL')
    await dead.ended
    await opened(root)
    const files = (await filesBelow(root)).map(path => join(root, path))
    expect(files).not.toContain(left)
    expect(files).toContain(scratch)
  })

  it('in the middle of its own ending is swept too', async () => {
    const root = await temporaryFolder()
    await (await openStore({ root })).close()
    await mkdir(join(root, 'v1/sessions/1+2+boot+pid+0123456789abcdef.ended/tmp'), {
      recursive: true,
    })
    await opened(root)
    expect(await readdir(join(root, 'v1/sessions'))).toHaveLength(1)
  })
})

describe('a session of another host on the same volume', () => {
  it('lives as long as it gives signs of life', async () => {
    const root = await temporaryFolder()
    await (await openStore({ root })).close()
    const owner = { pid: 1, start: '1', boot: 'another', namespace: 'pid:[1]' }
    const session = join(root, 'v1/sessions', `${ownerToName(owner)}+0123456789abcdef`)
    await mkdir(session)
    await (await openStore({ root })).close()
    expect(await readdir(join(root, 'v1/sessions'))).toHaveLength(1)
    execFileSync('touch', ['-d', '2 hours ago', session])
    await (await openStore({ root })).close()
    expect(await readdir(join(root, 'v1/sessions'))).toEqual([])
  })
})

describe('two processes', () => {
  it('add and remember the same things at once, and both are right', async () => {
    const root = await temporaryFolder()
    const code = `
      const store = await openStore({ root })
      console.log('ready')
      await told()
      for (let n = 0; n < 40; n++) {
        const text = String(n).repeat(20_000)
        const { held } = await store.action({ kind: 'repeat', inputs: n }, async () =>
          ({ blobs: [(await store.add(bytes(text), 'a/b')).descriptor], data: null }))
        const chunks = await held[0].open().toArray()
        if (String(Buffer.concat(chunks)) !== text) throw new Error('wrong bytes for ' + n)
      }
      await store.close()`
    const both = [child(root, code), child(root, code)]
    await Promise.all(both.map(one => one.line()))
    for (const one of both) one.tell()
    expect(await Promise.all(both.map(one => one.ended))).toEqual([0, 0])
    expect(await verifyCache(root)).toMatchObject({ checked: 80, corrupt: [], staleSessions: 0 })
  })
})

describe('where a blob cannot be linked', () => {
  const links = '/proc/sys/fs/protected_hardlinks'
  const isProtected = existsSync(links) && readFileSync(links, 'utf8').trim() === '1'
  const possible = process.getuid?.() === 0 && isProtected
  if (!possible) console.log('skipped: another user can only be had as root, with protected links')

  it.skipIf(!possible)('it is read in place, and stays while it is in use', async () => {
    const nobody = 65534
    const root = await temporaryFolder()
    await chown(root, nobody, nobody)
    await child(root, 'await (await openStore({ root })).close()', nobody).ended
    const owner = await openStore({ root })
    const { descriptor } = await put(owner, 'of root')
    await owner.close()
    const other = child(
      root,
      `const store = await openStore({ root })
      const blob = await store.get(${JSON.stringify(descriptor)})
      console.log(blob.path)
      await told()
      for await (const chunk of blob.open()) console.log(String(chunk))
      await store.close()`,
      nobody,
    )
    expect(await other.line()).toContain('/blobs/sha256/')
    expect(await pruneCache(root, { all: true })).toMatchObject({ removed: 0 })
    other.tell()
    expect(await other.line()).toBe('of root')
    expect(await other.ended).toBe(0)
    expect(await pruneCache(root, { all: true })).toMatchObject({ removed: 1 })
  })
})

describe('a disk', () => {
  const isRoot = process.getuid?.() === 0
  if (!isRoot) console.log('skipped: only root can mount the small disks of these tests')

  /** Mounts a file system in memory, unmounted when the test is over. */
  async function mounted(options: string): Promise<string> {
    const folder = await temporaryFolder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
    onTestFinished(() => {
      execFileSync('umount', ['--lazy', folder])
    })
    return folder
  }

  it.skipIf(!isRoot)('that is full is said, and nothing half-written stays on it', async () => {
    const root = await mounted('size=1m')
    const store = await openStore({ root })
    const kept = await put(store, 'kept')
    const large = Readable.from(Array.from({ length: 32 }, () => Buffer.alloc(64 * 1024, 7)))
    await expect(store.add(large, mediaType)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(root),
      hint: expect.stringContaining('Free space'),
    })
    const pressing = { kind: 'fill', inputs: null }
    const data = 'x'.repeat(1_500_000)
    await expect(store.action(pressing, async () => ({ blobs: [], data }))).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
    expect((await filesBelow(root)).filter(path => /tmp\/./.test(path))).toEqual([])
    expect(await readFile(kept.path ?? '', 'utf8')).toBe('kept')
    await store.close()
    expect(await verifyCache(root)).toMatchObject({ checked: 1, corrupt: [] })
    const again = await opened(root)
    expect((await put(again, 'fits now')).descriptor.digest).toBe(digestOf('fits now'))
  })

  it.skipIf(!isRoot)('that is read-only is said with a way out', async () => {
    const root = await mounted('size=1m')
    await (await openStore({ root })).close()
    execFileSync('mount', ['-o', 'remount,ro', root])
    await expect(openStore({ root })).rejects.toMatchObject({
      code: 'CACHE_UNUSABLE',
      message: expect.stringContaining('read-only'),
      hint: expect.stringContaining('ORCH_CACHE_DIR'),
    })
  })
})
