import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  lstat,
  lutimes,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { withLock } from './lock.ts'
import { thisProcess } from './owner.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-lock-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs a process that has `withLock`, `folder` and `path`; resolves with its lines at their end, or at the first. */
function child(folder: string, code: string) {
  const source = `
    import { withLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
    import { readFile, writeFile } from 'node:fs/promises'
    const folder = ${JSON.stringify(folder)}
    const path = folder + '/lock'
    ${code}`
  const node = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    node.kill('SIGKILL')
  })
  const firstLine = once(createInterface({ input: node.stdout }), 'line')
  return { node, firstLine, ended: once(node, 'exit') }
}

const stopped = expect.objectContaining({ name: 'TimeoutError' })
const stale = { id: '0123456789abcdef', owner: { ...thisProcess(), pid: 1, start: 'long ago' } }
const foreign = { ...stale, owner: { ...stale.owner, boot: 'another host' } }

describe('a lock', () => {
  it('is there, with its holder, while the work goes on, and gone afterwards', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'lock')
    const answer = await withLock(path, undefined, async () => {
      expect(JSON.parse(await readlink(path))).toMatchObject({ owner: { pid: process.pid } })
      return 42
    })
    expect(answer).toBe(42)
    expect(await readdir(folder)).toEqual([])
  })

  it('is gone when the work failed', async () => {
    const folder = await temporaryFolder()
    const failing = withLock(join(folder, 'lock'), undefined, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(await readdir(folder)).toEqual([])
  })

  it('lets one work at a time, in this process and in others', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'lock')
    const count = join(folder, 'count')
    await writeFile(count, '0')
    const code = `
      for (let n = 0; n < 10; n++)
        await withLock(path, undefined, async () => {
          const before = Number(await readFile(folder + '/count', 'utf8'))
          await new Promise(resolve => setTimeout(resolve, 1))
          await writeFile(folder + '/count', String(before + 1))
        })`
    const others = [child(folder, code), child(folder, code)]
    const add = (): Promise<void> =>
      withLock(path, undefined, async () => {
        await writeFile(count, String(Number(await readFile(count, 'utf8')) + 1))
      })
    await Promise.all(Array.from({ length: 10 }, add))
    for (const { ended } of others) expect(await ended).toEqual([0, null])
    expect(await readFile(count, 'utf8')).toBe('30')
  })

  it('of a process that was killed is broken, once, however many wait', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'lock')
    const code = `await withLock(path, undefined, () => {
      console.log('held')
      return new Promise(resolve => setTimeout(resolve, 60_000))
    })`
    const { node, firstLine, ended } = child(folder, code)
    await firstLine
    let working = 0
    const waiting = Array.from({ length: 8 }, () =>
      withLock(path, undefined, async () => {
        working += 1
        await new Promise(resolve => setTimeout(resolve, 2))
        expect(working).toBe(1)
        working -= 1
      }),
    )
    await new Promise(resolve => setTimeout(resolve, 30))
    expect(working).toBe(0)
    node.kill('SIGKILL')
    await ended
    await Promise.all(waiting)
    expect(await readdir(folder)).toEqual([])
  })

  it('is broken also when the one that was breaking it died', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'lock')
    await symlink(JSON.stringify(stale), path)
    await symlink(JSON.stringify({ ...stale, id: 'fedcba9876543210' }), `${path}.${stale.id}`)
    await symlink(JSON.stringify(stale), `${path}.00000000000000aa`)
    await writeFile(`${path}.md`, 'not a lock')
    expect(await withLock(path, undefined, async () => 'mine')).toBe('mine')
    expect(await readdir(folder)).toEqual(['lock.md'])
  })

  it('that came after a broken one is left alone by who was about to break that', async () => {
    const path = join(await temporaryFolder(), 'lock')
    const next = JSON.stringify({ id: 'fedcba9876543210', owner: thisProcess() })
    await symlink(JSON.stringify(stale), path)
    let outcome: Promise<unknown> = Promise.resolve()
    await withLock(`${path}.${stale.id}`, undefined, async () => {
      const signal = AbortSignal.timeout(150)
      outcome = withLock(path, signal, async () => 'mine').catch(error => error)
      await new Promise(resolve => setTimeout(resolve, 50))
      await rm(path)
      await symlink(next, path)
    })
    expect(await outcome).toEqual(stopped)
    expect(await readlink(path)).toBe(next)
  })

  it('in a file, where there are no symbolic links, is honoured and broken alike', async () => {
    const path = join(await temporaryFolder(), 'lock')
    await writeFile(path, JSON.stringify({ ...stale, owner: thisProcess() }))
    const signal = AbortSignal.timeout(60)
    await expect(withLock(path, signal, async () => 'mine')).rejects.toThrow(stopped)
    await writeFile(path, JSON.stringify(stale))
    expect(await withLock(path, undefined, async () => 'mine')).toBe('mine')
  })

  it('that cannot be read is broken when it is old', async () => {
    const path = join(await temporaryFolder(), 'lock')
    await writeFile(path, '{"id":"../../x"')
    const signal = AbortSignal.timeout(60)
    await expect(withLock(path, signal, async () => 'mine')).rejects.toThrow(stopped)
    await lutimes(path, 1000, 1000)
    expect(await withLock(path, undefined, async () => 'mine')).toBe('mine')
  })

  it('is waited for until the signal says stop, and then left alone', async () => {
    const path = join(await temporaryFolder(), 'lock')
    await withLock(path, undefined, async () => {
      const signal = AbortSignal.timeout(40)
      await expect(withLock(path, signal, async () => 'mine')).rejects.toThrow(stopped)
      expect((await lstat(path)).isSymbolicLink()).toBe(true)
    })
  })

  it('of another host is broken when its holder was watched for two minutes and gave no sign', async () => {
    const path = join(await temporaryFolder(), 'lock')
    await symlink(JSON.stringify(foreign), path)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const start = Date.now()
    let broken = false
    let sign = false
    const waiting = withLock(path, undefined, async () => {
      broken = true
    })
    while (!broken) {
      await new Promise(resolve => setImmediate(resolve))
      if (vi.getTimerCount() > 0) await vi.advanceTimersToNextTimerAsync()
      if (sign || Date.now() - start < 60_000) continue
      sign = true
      await lutimes(path, new Date(), new Date())
    }
    await waiting
    const waited = Date.now() - start
    expect(waited).toBeGreaterThan(175_000)
    expect(waited).toBeLessThan(190_000)
  })
})
