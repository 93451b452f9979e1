import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Outcome, orch, startOrch } from '../kit/exec.ts'
import { processesWith } from '../kit/ps.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { smallDisk } from '../kit/tmpfs.ts'
import { filesProject, helloProject } from './projects.ts'

/** What every failure must be: the exit code, one error, a hint, nothing on standard output. */
function expectOne(outcome: Outcome, exitCode: number, code: string): void {
  expect(outcome.stderr.match(/^error\[.*?\]/gm), outcome.stderr).toEqual([`error[${code}]`])
  expect(outcome.stderr).toMatch(/^hint: /m)
  expect(outcome.exitCode).toBe(exitCode)
  expect(outcome.stdout).toBe('')
}

async function names(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).sort()
}

const sources = ['go.mod', 'main.go', 'orch.yaml']

describe('one clear error with a hint and the right exit code, and nothing half-written, for', () => {
  it('a wrong config', async () => {
    const folder = await filesProject([], ['    lables: {a: b}'])
    const outcome = await orch(['-C', folder, 'build'])
    expectOne(outcome, 2, 'CONFIG_INVALID')
    expect(outcome.stderr).toMatch(/orch\.yaml:6:5: images\.tiny\.lables: unknown key/)
    expect(outcome.stderr).toContain('hint: Did you mean "labels"?')
    expect(await names(folder)).toEqual(sources)
  })

  it('no project file', async () => {
    expectOne(await orch(['-C', await tempFolder('empty'), 'build']), 2, 'CONFIG_NOT_FOUND')
  })

  it.each([
    ['one that Go cannot build for', 'linux/amd46', 'PLATFORM_UNSUPPORTED', 'linux/amd64'],
    ['one that is no platform', 'amd46', 'PLATFORM_INVALID', 'os/architecture'],
  ])('an unknown platform: %s', async (_, platform, code, said) => {
    const folder = await filesProject([])
    const outcome = await orch(['-C', folder, 'build', '--platform', platform])
    expectOne(outcome, 2, code)
    expect(outcome.stderr).toContain(said)
    expect(await names(folder)).toEqual(sources)
  })

  it('a platform that the base lacks', async () => {
    const hello = await helloProject()
    await orch(['-C', hello, 'build', '--platform', 'linux/amd64'])
    const folder = await filesProject([])
    const file = join(folder, 'orch.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('base: scratch', `base: "oci:${hello}/dist/oci"`))
    const outcome = await orch(['-C', folder, 'build', '--platform', 'linux/arm64'])
    expectOne(outcome, 1, 'PLATFORM_MISSING')
    expect(outcome.stderr).toContain('has no linux/arm64; it has linux/amd64')
  })

  it('a Go compile error on two platforms: told whole and once, with image and platforms', async () => {
    const folder = await filesProject([])
    await writeFile(join(folder, 'main.go'), 'package main\n\nfunc main() { undefinedThing() }\n')
    const outcome = await orch(['-C', folder, 'build', '--platform', 'linux/amd64,linux/arm64'])
    expectOne(outcome, 1, 'GO_BUILD_FAILED')
    expect(outcome.stderr.match(/undefined: undefinedThing/g)).toHaveLength(1)
    expect(outcome.stderr).toContain('main.go:3:15')
    expect(outcome.stderr).toContain('tiny linux/amd64, tiny linux/arm64')
    expect(await names(folder)).toEqual(sources)
  })

  it('a broken base layout', async () => {
    const hello = await helloProject()
    await orch(['-C', hello, 'build'])
    const blobs = join(hello, 'dist', 'oci', 'blobs', 'sha256')
    for (const name of await readdir(blobs)) {
      const path = join(blobs, name)
      const text = await readFile(path, 'utf8')
      if (!text.includes('"rootfs"')) continue
      await rm(path) // it may be one file with the store's
      await writeFile(path, text)
      await truncate(path, 10)
    }
    const folder = await filesProject([])
    const file = join(folder, 'orch.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('base: scratch', `base: "oci:${hello}/dist/oci"`))
    const outcome = await orch(['-C', folder, 'build'])
    expectOne(outcome, 1, 'BLOB_CORRUPT')
    expect(await names(folder)).toEqual(sources)
  })

  it('a go.mod that is missing', async () => {
    const folder = await filesProject([])
    await rm(join(folder, 'go.mod'))
    const outcome = await orch(['-C', folder, 'build'])
    expect(outcome.exitCode).not.toBe(0)
    expect(outcome.stderr.match(/^error\[.*?\]/gm)).toHaveLength(1)
  })

  it('Go flags that run programs, until the operator allows them', async () => {
    const folder = await filesProject([])
    const file = join(folder, 'orch.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('{go: .}', '{go: ., flags: [-toolexec=/usr/bin/env]}'))
    const outcome = await orch(['-C', folder, 'build'])
    expectOne(outcome, 2, 'GO_FLAG_REFUSED')
    expect(outcome.stderr).toContain('--allow=-toolexec')
    expect(await orch(['-C', folder, 'build', '--allow=-toolexec'])).toMatchObject({ exitCode: 0 })
  })
})

needs('mounts')('a full disk', () => {
  it('under the cache: one error, the store stays sound, and a build with room succeeds', async () => {
    const disk = await smallDisk(3 * 1024 * 1024)
    const folder = await filesProject(['{from: big.bin, to: /big.bin}'])
    await writeFile(join(folder, 'big.bin'), randomBytes(8 * 1024 * 1024))
    const cache = join(disk, 'cache')
    const outcome = await orch(['-C', folder, 'build'], { cache })
    expectOne(outcome, 1, 'DISK_FULL')
    expect(await orch(['cache', 'verify'], { cache })).toMatchObject({ exitCode: 0 })
    expect(await readdir(join(cache, 'v1', 'sessions'))).toEqual([])
    expect(await names(folder)).toEqual(['big.bin', ...sources])
    expect(await orch(['-C', folder, 'build'])).toMatchObject({ exitCode: 0 })
  })

  it.each(['layout', 'oci-archive'])(
    'under the %s: one error, and nothing there',
    async exporter => {
      const disk = await smallDisk(1024 * 1024)
      const folder = await filesProject([])
      const to = `${exporter},dest=${disk}/out/${exporter}`
      const outcome = await orch([
        '-C',
        folder,
        'build',
        '--export',
        to,
        '--platform',
        'linux/amd64,linux/arm64',
      ])
      expectOne(outcome, 1, 'DISK_FULL')
      expect(await readdir(disk, { recursive: true })).toEqual([])
    },
  )

  it('under a layout that exists: the earlier image stays whole', async () => {
    const disk = await smallDisk(3 * 1024 * 1024)
    const folder = await filesProject([])
    const to = ['--export', `layout,dest=${disk}/oci`]
    const first = await orch(['-C', folder, 'build', ...to])
    expect(first.exitCode, first.stderr).toBe(0)
    const outcome = await orch([
      '-C',
      folder,
      'build',
      ...to,
      '--platform',
      'linux/amd64,linux/arm64,linux/s390x,linux/386',
    ])
    expectOne(outcome, 1, 'DISK_FULL')
    const source = `oci:${disk}/oci`
    expect(await orch(['validate', source])).toMatchObject({ exitCode: 0 })
    expect((await orch(['inspect', source])).stdout).toContain(first.stdout.trim().split('@')[1])
    expect(await names(join(disk, 'oci'))).toEqual(['blobs', 'index.json', 'oci-layout'])
  })
})

/** Waits for a file whose path below `folder` fits. */
async function untilFound(folder: string, path: RegExp): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt += 1) {
    const there = await readdir(folder, { recursive: true }).catch(() => [])
    if (there.some(name => path.test(name))) return
    await sleep(10)
  }
  throw new Error(`nothing like ${path} came to be in ${folder}`)
}

describe('Ctrl-C', () => {
  it('ends with 130, ends the compiler, and leaves nothing half-written', async () => {
    const folder = await helloProject()
    const cache = await tempFolder('cache')
    // With an empty Go cache the standard library is compiled first, which takes a while.
    const env = { GOCACHE: await tempFolder('gocache') }
    const running = await startOrch(['-C', folder, 'build'], { cache, env })
    const ofThisBuild = (args: readonly string[]): boolean =>
      args.some(arg => arg.includes(cache)) && args.includes('build')
    const compilers = () => processesWith(ofThisBuild)
    await expect.poll(compilers, { timeout: 60_000, interval: 10 }).not.toEqual([])
    await sleep(200)
    running.kill('SIGINT')
    const outcome = await running.done
    expect(outcome).toMatchObject({ exitCode: 130, stdout: '' })
    expect(outcome.stderr).toContain('interrupted')
    expect(outcome.stderr).not.toContain('error[')
    expect(processesWith(ofThisBuild)).toEqual([])
    expect(await names(folder)).not.toContain('dist')
    expect(await readdir(join(cache, 'v1', 'sessions'))).toEqual([])
  })

  it.each([
    ['the compressor', 'layout'],
    ['an exporter', 'oci-archive,compression=zstd'],
  ])('while %s works ends the same way', async (_, exporter) => {
    const folder = await filesProject(['{from: big.bin, to: /big.bin}'])
    const file = await open(join(folder, 'big.bin'), 'w')
    for (let at = 0; at < 40; at += 1) await file.write(randomBytes(8 * 1024 * 1024))
    await file.close()
    const cache = await tempFolder('cache')
    if (exporter !== 'layout') await orch(['-C', folder, 'build'], { cache })
    const before = await names(folder)
    const running = await startOrch(['-C', folder, 'build', '--export', exporter], { cache })
    const place = exporter === 'layout' ? join(cache, 'v1', 'sessions') : join(folder, 'dist')
    const begun = exporter === 'layout' ? /\/tmp\/[0-9a-f]{16}$/ : /^\.tiny\.tar\.orch-/
    await untilFound(place, begun)
    running.kill('SIGINT')
    const outcome = await running.done
    expect(outcome).toMatchObject({ exitCode: 130, stdout: '' })
    expect(outcome.stderr).not.toContain('error[')
    expect(await names(folder)).toEqual(before)
    expect(await readdir(join(cache, 'v1', 'sessions'))).toEqual([])
    if (before.includes('dist')) expect(await names(join(folder, 'dist'))).toEqual(['oci'])
  })
})

describe('the command line', () => {
  it.each([
    [['--help'], 0],
    [['build', '--help'], 0],
    [['bild'], 2],
    [['build', '--no-such-option'], 2],
    [['inspect'], 2],
    [['build', '--progress', 'loud'], 2],
  ])('%j ends with %i', async (args, exitCode) => {
    const outcome = await orch(args)
    expect(outcome.exitCode, outcome.stderr).toBe(exitCode)
    expect(exitCode === 0 ? outcome.stdout : outcome.stderr).not.toBe('')
  })
})
