import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { faultOf, folder, project } from '../test-project.ts'
import { lockableBases } from './bases.ts'
import { lockFileOf, readLocks, writeLocks } from './file.ts'

const one = digestOf('one')
const two = digestOf('two')

function imagesOn(...bases: readonly string[]): string {
  const images = bases.map((base, at) => `  i${at}: {build: {go: .}, base: ${base}}`)
  return ['images:', ...images, ''].join('\n')
}

describe('orch.lock', () => {
  it('is sorted, and comes back as it was written', async () => {
    const file = join(await folder({}), 'orch.lock')
    await writeLocks(file, { 'b:1': two, 'a:1': one })
    expect(await readFile(file, 'utf8')).toBe(
      `{\n  "version": 1,\n  "bases": {\n    "a:1": {\n      "digest": "${one}"\n    },\n    "b:1": {\n      "digest": "${two}"\n    }\n  }\n}\n`,
    )
    expect(await readLocks(file)).toEqual({ 'a:1': one, 'b:1': two })
    expect(await readLocks(`${file}.none`)).toBeUndefined()
  })

  it('stands beside the project file; one of another name has its own', () => {
    expect(lockFileOf('/p/orch.yaml')).toBe('/p/orch.lock')
    expect(lockFileOf('/p/orch.config.ts')).toBe('/p/orch.lock')
    expect(lockFileOf('/p/dev.yaml')).toBe('/p/dev.yaml.lock')
  })

  it.each([
    ['<<<<<<< ours\n{}', 'is not what orch lock writes'],
    ['{"version": 2, "bases": {}}', 'is not of version 1'],
    ['[]', 'is not of version 1'],
    ['{"version": 1}', 'has no map `bases`'],
    ['{"version": 1, "bases": {"a:1": {"digest": "sha256:12"}}}', 'says no digest of "a:1"'],
    ['{"version": 1, "bases": {"a:1": null}}', 'says no digest of "a:1"'],
    ['{"version": 1, "bases": {}, "bases": {}}', 'is not what orch lock writes'],
  ])('is refused when it is damaged: %s', async (text, why) => {
    const file = join(await folder({ 'orch.lock': text }), 'orch.lock')
    const fault = await faultOf(readLocks(file))
    expect(fault).toMatchObject({
      code: 'LOCK_INVALID',
      hint: expect.stringContaining('orch lock'),
    })
    expect(fault.lines[0]).toContain(`${file} ${why}`)
  })

  it('holds what is in registries without a digest of its own', () => {
    const base = { 'linux/amd64': 'a:1', 'linux/arm64': `b@${two}`, default: 'scratch' }
    const images = [{ base }, { base: 'docker://h.example/x:1' }, { base: 'oci:dir' }, {}]
    const plugins = [{ name: 'p', sources: ['oci', 'static', 'docker'], setup() {} }]
    expect(lockableBases([...images, { base: 'static' }, { base: 'a:1' }], plugins)).toEqual([
      'a:1',
      'docker://h.example/x:1',
    ])
  })
})

describe('a plan', () => {
  it('takes from the lock what its images need', async () => {
    const some = await project({ 'orch.yaml': imagesOn('a:1', 'b:1') })
    expect(await some.toPlan()).not.toHaveProperty('locks')
    await writeLocks(join(some.root, 'orch.lock'), { 'a:1': one, 'b:1': two, 'c:1': two })
    expect((await some.toPlan()).locks).toEqual({ 'a:1': one, 'b:1': two })
    expect((await some.toPlan({ images: ['i1'] })).locks).toEqual({ 'b:1': two })
    await writeFile(join(some.root, 'orch.lock'), '{')
    expect(await faultOf(some.toPlan())).toMatchObject({ code: 'LOCK_INVALID' })
  })

  it('that is to be locked fails when the lock lacks a base, and names it', async () => {
    const some = await project({ 'orch.yaml': imagesOn('a:1', 'scratch', 'b:1') })
    expect(await faultOf(some.toPlan({ locked: true }))).toEqual({
      code: 'LOCK_STALE',
      lines: ['there is no orch.lock to hold a:1, b:1'],
      hint: 'Run: orch lock',
    })
    await writeLocks(join(some.root, 'orch.lock'), { 'a:1': one })
    const { lines } = await faultOf(some.toPlan({ locked: true }))
    expect(lines).toEqual(['orch.lock does not hold b:1'])
    expect((await some.toPlan({ locked: true, images: ['i0', 'i1'] })).locks).toEqual({
      'a:1': one,
    })
  })

  it('that is to be locked fails when the lock holds what no image of the project has', async () => {
    const some = await project({ 'orch.yaml': imagesOn('a:1', 'b:1') })
    await writeLocks(join(some.root, 'orch.lock'), { 'a:1': one, 'b:1': two, 'c:1': two })
    expect(await faultOf(some.toPlan({ locked: true, images: ['i0'] }))).toEqual({
      code: 'LOCK_STALE',
      lines: ['orch.lock holds c:1, which no image has as its base'],
      hint: 'Run: orch lock',
    })
    await writeLocks(join(some.root, 'orch.lock'), { 'a:1': one, 'b:1': two })
    expect((await some.toPlan({ locked: true, images: ['i0'] })).locks).toEqual({ 'a:1': one })
  })
})
