import { digestOf } from '@orch/oci'
import { cacheUsage } from '@orch/store'
import { describe, expect, it } from 'vitest'
import { imagePlan, planOf, plugin as pluginOf, testOrch, textBuilder } from './test-plugin.ts'
import { testRegistry } from './test-registry.ts'
import type { FetchResult } from './types/build.ts'
import type { Plan } from './types/plan.ts'

const plan: Plan = planOf([imagePlan({ base: 'a:1' })])
const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x']

function errorOf({ images }: Pick<FetchResult, 'images'>): unknown {
  return images.flatMap(({ errors }) => errors)[0]
}

describe('a locked base', () => {
  it('is opened by its digest, whatever its tag means by now', async () => {
    const registry = testRegistry()
    await using orch = await testOrch([registry.plugin, textBuilder()])
    const old = registry.push('a:1', platforms, 'old')
    const first = await orch.build(plan)
    registry.push('a:1', platforms, 'new')
    const locked = await orch.build({ ...plan, locks: { 'a:1': old } })
    expect(locked.images[0]?.image?.root.digest).toBe(first.images[0]?.image?.root.digest)
    expect(registry.opened.at(-1)).toMatchObject({ digest: old, keep: true })
    const moved = await orch.build(plan)
    expect(moved.images[0]?.image?.root.digest).not.toBe(first.images[0]?.image?.root.digest)
  })
})

describe('what was fetched', () => {
  it('is enough to build offline, to the same digest, with and without a lock', async () => {
    const registry = testRegistry()
    await using orch = await testOrch([registry.plugin, textBuilder()])
    const old = registry.push('a:1', platforms, 'old')
    const fetched = await orch.fetch(plan)
    expect(errorOf(fetched)).toBeUndefined()
    const online = await orch.build(plan)
    const locked = { ...plan, locks: { 'a:1': old } }
    registry.push('a:1', platforms, 'new')
    registry.asked.length = 0
    await using away = await testOrch([registry.plugin, textBuilder()], {
      offline: true,
      store: { root: orch.root },
    })
    for (const some of [plan, locked]) {
      const { images } = await away.build(some)
      expect(images[0]?.errors).toEqual([])
      expect(images[0]?.image?.root.digest).toBe(online.images[0]?.image?.root.digest)
    }
    expect(registry.asked).toEqual([])
  })

  it('is all of the platforms that are built, and nothing of the others', async () => {
    const registry = testRegistry()
    await using orch = await testOrch([registry.plugin, textBuilder()])
    const digest = registry.push('a:1', platforms)
    const { images } = await orch.fetch(plan)
    const bases = images.flatMap(image => image.bases)
    expect(bases).toMatchObject([
      { ref: 'a:1', digest, platform: { architecture: 'amd64' } },
      { ref: 'a:1', digest, platform: { architecture: 'arm64' } },
    ])
    // The index, and of each platform its manifest, config and layer.
    expect(bases.map(({ blobs }) => blobs.length)).toEqual([4, 4])
    expect((await cacheUsage(orch.root)).blobs).toBe(7)
  })

  it('withstands the size limit', async () => {
    const registry = testRegistry()
    registry.push('a:1', platforms)
    await using orch = await testOrch([registry.plugin, textBuilder()])
    const store = { root: `${orch.root}/small`, limit: 0 }
    {
      await using small = await testOrch([registry.plugin, textBuilder()], { store })
      expect(errorOf(await small.fetch(plan))).toBeUndefined()
      expect((await small.build(plan)).ok).toBe(true)
    }
    expect((await cacheUsage(store.root)).blobs).toBe(7)
    await using away = await testOrch([registry.plugin, textBuilder()], { store, offline: true })
    expect((await away.build(plan)).ok).toBe(true)
  })

  it('comes from plugins too, each for the platforms of its image', async () => {
    const heard: string[] = []
    const fetching = pluginOf('modules', ({ hooks }) => {
      hooks.fetch.tapPromise('modules', async (some, { image }) => {
        heard.push(`${image.name} ${some.map(item => item.architecture).join(' ')}`)
        throw new Error('no such module')
      })
    })
    await using orch = await testOrch([fetching])
    const result = await orch.fetch(planOf([imagePlan()]))
    expect(heard).toEqual(['app amd64 arm64'])
    expect(result.ok).toBe(false)
    expect(String(errorOf(result))).toContain('plugin modules, hook fetch, app: no such module')
  })
})

describe('offline', () => {
  it('names a base of which nobody here knows the digest', async () => {
    const registry = testRegistry()
    registry.push('a:1', platforms)
    await using orch = await testOrch([registry.plugin, textBuilder()], { offline: true })
    const { images } = await orch.build(plan)
    expect(images[0]?.errors[0]).toMatchObject({
      code: 'OFFLINE',
      message: expect.stringContaining('the base a:1 is in a registry'),
      hint: expect.stringContaining('orch fetch'),
    })
    expect(registry.opened).toEqual([])
  })

  it('leaves it to the registry plugin to say what of a known digest is not there', async () => {
    const registry = testRegistry()
    const digest = registry.push('a:1', platforms)
    await using orch = await testOrch([registry.plugin, textBuilder()], { offline: true })
    for (const some of [{ ...plan, locks: { 'a:1': digest } }, withDigest(digest)]) {
      const { images } = await orch.build(some)
      expect(images[0]?.errors[0]).toMatchObject({
        code: 'OFFLINE',
        message: expect.stringContaining('lacks'),
      })
    }
    expect(registry.asked).toEqual([])
  })
})

function withDigest(digest = digestOf('')): Plan {
  return planOf([imagePlan({ base: `a:1@${digest}` })])
}
