import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { orch, startOrch } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'
import { helloProject } from './projects.ts'

const kills = 50
/** The layout alone, as the project file has it, or with a compressed archive beside it. */
const builds = [
  ['build'],
  ['build', '--export', 'layout', '--export', 'oci-archive,compression=gzip'],
] as const
let folder = ''
let digest = ''
let coldTime = 0
let warmTime = 0
beforeAll(async () => {
  folder = await helloProject()
  await orch(['-C', folder, 'build']) // Go's own cache is warm from here on
  const cache = await tempFolder('cache')
  const timed = async (): Promise<number> => {
    const began = performance.now()
    const built = await orch(['-C', folder, 'build'], { cache })
    expect(built.exitCode, built.stderr).toBe(0)
    digest = built.stdout.trim()
    return performance.now() - began
  }
  coldTime = await timed()
  warmTime = await timed()
  expect(digest).toMatch(/^example\.com\/hello@sha256:[0-9a-f]{64}$/)
})

it(`survives kill -9 at ${kills} random instants of a build`, async () => {
  const cache = await tempFolder('cache')
  let killed = 0
  for (let attempt = 0; killed < kills; attempt += 1) {
    expect(attempt).toBeLessThan(3 * kills)
    // Every second time from nothing, so that each step of a build is met.
    const cold = attempt % 2 === 0
    // And every second pair with the archive, so that both meet both.
    const build = builds[Math.floor(attempt / 2) % 2] ?? ['build']
    if (cold) await orch(['cache', 'prune', '--all'], { cache })
    const running = await startOrch(['-C', folder, ...build], { cache })
    await sleep(Math.random() * (cold ? coldTime : warmTime))
    running.kill('SIGKILL')
    if ((await running.done).exitCode !== 137) continue // it was quicker
    killed += 1
    const verified = await orch(['cache', 'verify'], { cache })
    expect(verified).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(' 0 damaged'),
    })
    if (existsSync(join(folder, 'dist', 'oci', 'index.json'))) {
      const validated = await orch(['-C', folder, 'validate', 'oci:dist/oci'], { cache })
      expect(validated.exitCode, validated.stdout).toBe(0)
    }
    const rebuilt = await orch(['-C', folder, ...build], { cache })
    expect(rebuilt.stdout.trim(), rebuilt.stderr).toBe(digest)
  }
  // Once more with all exports, so that what a killed build left behind has met its next writer.
  const last = await orch(['-C', folder, ...builds[1]], { cache })
  expect(last.stdout.trim(), last.stderr).toBe(digest)
  expect((await readdir(join(folder, 'dist'))).sort()).toEqual(['hello.tar', 'oci'])
  const archive = await orch(['-C', folder, 'validate', 'oci-archive:dist/hello.tar'], { cache })
  expect(archive.exitCode, archive.stdout).toBe(0)
  expect((await readdir(join(folder, 'dist', 'oci'))).sort()).toEqual([
    'blobs',
    'index.json',
    'oci-layout',
  ])
  expect(await readdir(join(cache, 'v1', 'sessions'))).toEqual([])
})

it('builds right when two builds share one cache and one layout', async () => {
  const cache = await tempFolder('cache')
  const other = await helloProject()
  const both = await Promise.all([
    orch(['-C', folder, 'build'], { cache }),
    orch(['-C', folder, 'build'], { cache }),
    orch(['-C', other, 'build'], { cache }),
  ])
  expect(both.map(outcome => outcome.stdout.trim())).toEqual([digest, digest, digest])
  expect(await orch(['-C', folder, 'validate', 'oci:dist/oci'], { cache })).toMatchObject({
    exitCode: 0,
  })
  expect(await orch(['cache', 'verify'], { cache })).toMatchObject({ exitCode: 0 })
})
