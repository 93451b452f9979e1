import { formatPlatform, parseImageConfig, readBlob } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { imagePlan, planOf, type TestOrch, testOrch, textBuilder } from './test-plugin.ts'
import { type TestRegistry, testRegistry } from './test-registry.ts'
import type { BuiltImage } from './types/build.ts'
import type { ImagePlan } from './types/plan.ts'

const { push, plugin, asked }: TestRegistry = testRegistry()
const a = push('a:1', ['linux/amd64', 'linux/arm64'])
const b = push('b:1', ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/arm/v6'])

async function build(orch: TestOrch, image: Partial<ImagePlan>): Promise<BuiltImage> {
  const [result] = (await orch.build(planOf([imagePlan(image)]))).images
  if (result?.image === undefined) throw result?.errors[0] ?? new Error('no image')
  return result.image
}

/** By platform, the text that its base put into the environment; none on scratch. */
async function textsOf({ manifests }: BuiltImage): Promise<Record<string, string | undefined>> {
  const texts = manifests.map(async ({ platform, config }) => {
    const { Env = [] } = parseImageConfig(await readBlob(config)).config ?? {}
    return [formatPlatform(platform), Env.find(item => item.startsWith('TEXT='))] as const
  })
  return Object.fromEntries(await Promise.all(texts))
}

const baseName = 'org.opencontainers.image.base.name'
const baseDigest = 'org.opencontainers.image.base.digest'

describe('bases by platform', () => {
  it('serve each its platform, and default serves the rest; a variant is served by the plain one', async () => {
    await using orch = await testOrch([plugin, textBuilder()])
    const image = await build(orch, {
      base: { 'linux/amd64': 'a:1', 'linux/arm/v6': 'scratch', default: 'b:1' },
      platforms: ['linux/amd64', 'linux/amd64/v3', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7'],
    })
    expect(await textsOf(image)).toEqual({
      'linux/amd64': 'TEXT=a:1',
      'linux/amd64/v3': 'TEXT=a:1',
      'linux/arm64': 'TEXT=b:1',
      'linux/arm/v6': undefined,
      'linux/arm/v7': 'TEXT=b:1',
    })
  })

  it('are each asked for once, however many platforms they serve', async () => {
    await using orch = await testOrch([plugin, textBuilder()])
    asked.length = 0
    await build(orch, { base: { 'linux/amd64': 'a:1', default: 'a:1' }, platforms: ['all'] })
    expect(asked.filter(item => item === 'a:1')).toHaveLength(1)
    expect(asked.filter(item => item === b)).toEqual([])
  })

  it('leave the index without a base of its own, but every manifest says its', async () => {
    await using orch = await testOrch([plugin, textBuilder()])
    const { index, manifests } = await build(orch, {
      base: { 'linux/amd64': 'a:1', 'linux/arm64': 'b:1' },
      platforms: ['all'],
    })
    expect(index.annotations ?? {}).not.toHaveProperty([baseName])
    const texts = manifests.map(async ({ manifest }) => String(await readBlob(manifest)))
    expect((await Promise.all(texts)).join('\n')).toContain(`"${baseDigest}":"${b}"`)
  })

  it('that are one and the same are named by the index too, by the whole reference', async () => {
    await using orch = await testOrch([plugin, textBuilder()])
    const base = { 'linux/amd64': 'docker://a:1', 'linux/arm64': 'a:1' }
    const { index } = await build(orch, { base, platforms: ['all'] })
    expect(index.annotations).toMatchObject({
      [baseName]: 'docker.io/library/a:1',
      [baseDigest]: a,
    })
  })

  it('mean by all the platforms of default and those that are named', async () => {
    await using orch = await testOrch([plugin, textBuilder()])
    const all = (base: ImagePlan['base'] & object) => build(orch, { base, platforms: ['all'] })
    const some = await all({ 'linux/arm/v7': 'b:1', 'linux/amd64': 'a:1' })
    expect(Object.keys(await textsOf(some))).toEqual(['linux/arm/v7', 'linux/amd64'])
    const rest = await all({ 'linux/arm/v7': 'b:1', 'linux/arm64': 'b:1', default: 'a:1' })
    expect(await textsOf(rest)).toEqual({
      'linux/amd64': 'TEXT=a:1',
      'linux/arm64': 'TEXT=b:1',
      'linux/arm/v7': 'TEXT=b:1',
    })
    await expect(all({ 'linux/amd64': 'a:1', default: 'scratch' })).rejects.toMatchObject({
      code: 'PLATFORM_NONE',
    })
  })

  it('that serve a platform not at all are an error which lists what there is', async () => {
    await using orch = await testOrch([plugin, textBuilder()])
    const base = { 'linux/amd64': 'a:1', 'linux/arm/v7': 'b:1' }
    await expect(build(orch, { base, platforms: ['linux/arm64'] })).rejects.toMatchObject({
      code: 'BASE_MISSING',
      message:
        'image app: no base is named for linux/arm64; there are bases for linux/amd64, linux/arm/v7',
    })
    const lacking = build(orch, { base: { 'linux/s390x': 'a:1' }, platforms: ['linux/s390x'] })
    await expect(lacking).rejects.toThrow('base a:1 has no linux/s390x; it has linux/amd64')
  })
})
