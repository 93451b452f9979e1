import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { syncDirectory, writeFileAtomic } from './atomic.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-atomic-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

describe('writing a file atomically', () => {
  it('makes it, or replaces it, and leaves nothing else', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'index.json')
    await writeFileAtomic(path, 'old')
    await writeFileAtomic(path, Buffer.from('new'), { mode: 0o600 })
    expect(await readFile(path, 'utf8')).toBe('new')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['index.json'])
  })

  it('gives way to the last of many writers, never to a mixture', async () => {
    const path = join(await temporaryFolder(), 'index.json')
    const texts = Array.from({ length: 20 }, (_, index) => String(index % 10).repeat(50_000))
    await Promise.all(texts.map(text => writeFileAtomic(path, text)))
    expect(texts).toContain(await readFile(path, 'utf8'))
  })

  it('leaves what was there when it fails', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'index.json')
    await mkdir(join(path, 'in'), { recursive: true })
    await expect(writeFileAtomic(path, 'new')).rejects.toMatchObject({ syscall: 'rename' })
    expect(await readdir(folder)).toEqual(['index.json'])
  })
})

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('skipped: only root can mount the small disks of these tests')

describe.skipIf(!isRoot)('a disk', () => {
  async function mounted(): Promise<string> {
    const folder = await temporaryFolder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
    onTestFinished(() => {
      execFileSync('umount', ['--lazy', folder])
    })
    return folder
  }

  it('that is full is said with the path and a way out, and the old file stays', async () => {
    const folder = await mounted()
    const path = join(folder, 'index.json')
    await writeFileAtomic(path, 'old')
    await expect(writeFileAtomic(path, Buffer.alloc(100_000, 1))).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('Free space'),
    })
    expect(await readdir(folder)).toEqual(['index.json'])
    expect(await readFile(path, 'utf8')).toBe('old')
  })

  it('that is read-only is said so', async () => {
    const folder = await mounted()
    await writeFile(join(folder, 'index.json'), 'old')
    execFileSync('mount', ['-o', 'remount,ro', folder])
    await syncDirectory(folder)
    await expect(writeFileAtomic(join(folder, 'index.json'), 'new')).rejects.toMatchObject({
      code: 'DISK_DENIED',
      message: expect.stringContaining('read-only'),
    })
  })
})
