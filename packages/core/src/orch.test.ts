import { digestOf, type ImageConfig, parseImageConfig, readBlob, validateImage } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import {
  baseSource,
  imagePlan,
  planOf,
  plugin,
  testOrch,
  textBuilder,
  textEntry,
} from './test-plugin.ts'
import type { BuildResult, BuiltImage } from './types/build.ts'
import type { Plugin } from './types/plugin.ts'

function only(result: BuildResult): BuiltImage {
  const [{ image, errors } = { errors: [] }] = result.images
  if (image === undefined) throw errors[0] ?? new Error('no image')
  return image
}

async function configOf(image: BuiltImage, at = 0): Promise<ImageConfig> {
  const manifest = image.manifests[at]
  if (manifest === undefined) throw new Error('no such manifest')
  return parseImageConfig(await readBlob(manifest.config))
}

describe('a build', () => {
  it('makes one index with a manifest per platform, in the order asked for, and every blob is sound', async () => {
    await using orch = await testOrch([textBuilder()])
    const image = only(
      await orch.build(
        planOf([imagePlan({ platforms: ['linux/s390x', 'linux/arm/v6', 'linux/amd64'] })]),
      ),
    )
    expect(image.index.manifests.map(item => item.platform)).toEqual([
      { os: 'linux', architecture: 's390x' },
      { os: 'linux', architecture: 'arm', variant: 'v6' },
      { os: 'linux', architecture: 'amd64' },
    ])
    expect((await validateImage(image)).findings).toEqual([])
  })

  it('gives the same digest again, from another store, and runs no compressor where it has one', async () => {
    await using one = await testOrch([textBuilder()])
    await using two = await testOrch([textBuilder()])
    const first = only(await one.build(planOf([imagePlan()])))
    expect(only(await two.build(planOf([imagePlan()]))).root.digest).toBe(first.root.digest)
    one.said.length = 0
    expect(only(await one.build(planOf([imagePlan()]))).root.digest).toBe(first.root.digest)
    const actions = one.said.filter(event => event.type === 'action')
    expect(actions).toHaveLength(2)
    expect(actions.every(action => action.hit)).toBe(true)
  })

  it('carries SOURCE_DATE_EPOCH, and 1970 without it', async () => {
    await using at0 = await testOrch([textBuilder()])
    expect((await configOf(only(await at0.build(planOf([imagePlan()]))))).created).toBe(
      '1970-01-01T00:00:00Z',
    )
    await using dated = await testOrch([textBuilder()], {
      env: { SOURCE_DATE_EPOCH: '1700000000' },
    })
    expect((await configOf(only(await dated.build(planOf([imagePlan()]))))).created).toBe(
      '2023-11-14T22:13:20Z',
    )
    const bad = testOrch([textBuilder()], { env: { SOURCE_DATE_EPOCH: 'soon' } })
    await expect(bad).rejects.toMatchObject({ code: 'EPOCH_INVALID' })
  })

  it('lays the builder over the base and the project file over both', async () => {
    await using orch = await testOrch([baseSource(), textBuilder()])
    const plan = imagePlan({
      base: 'base:',
      platforms: ['all'],
      config: { env: { MODE: 'dev' }, workdir: '/srv' },
      labels: { b: '2' },
      annotations: { note: 'mine' },
    })
    const image = only(await orch.build(planOf([plan])))
    const config = await configOf(image)
    expect(config.config).toEqual({
      User: '7',
      Entrypoint: ['/app'],
      Env: ['PATH=/bin', 'MADE=yes', 'MODE=dev'],
      Labels: { a: '1', b: '2' },
      WorkingDir: '/srv',
    })
    expect(config.history).toEqual([
      { created_by: 'old' },
      { created_by: 'env', empty_layer: true },
      { created: '1970-01-01T00:00:00Z', created_by: 'text' },
    ])
    expect(config.rootfs.diff_ids).toHaveLength(2)
    expect(image.index.annotations).toMatchObject({
      note: 'mine',
      'org.opencontainers.image.base.name': 'base:',
    })
    expect(image.index.manifests[0]?.platform).toEqual({ os: 'linux', architecture: 'arm64' })
    expect((await validateImage(image)).findings).toEqual([])
  })

  it('says what platforms a base has when one is missing', async () => {
    await using orch = await testOrch([baseSource(), textBuilder()])
    const { images, ok } = await orch.build(
      planOf([imagePlan({ base: 'base:', platforms: ['linux/riscv64'] })]),
    )
    expect(ok).toBe(false)
    expect(images[0]?.errors[0]?.message).toBe(
      'image app: its base base: has no linux/riscv64; it has linux/arm64',
    )
  })

  it('builds on no base whose layers are not what its config says, and checks them once', async () => {
    const plan = planOf([imagePlan({ base: 'base:', platforms: ['linux/arm64'] })])
    await using lying = await testOrch([baseSource(digestOf('other')), textBuilder()])
    const { images } = await lying.build(plan)
    expect(images[0]?.errors).toMatchObject([{ code: 'DIFF_ID_WRONG' }])
    await using sound = await testOrch([baseSource(), textBuilder()])
    await sound.build(plan)
    await sound.build(plan)
    const checks = sound.said.filter(event => event.type === 'action' && event.kind === 'verify')
    expect(checks).toMatchObject([{ hit: false }, { hit: true }])
  })

  it('puts layers of plugins below the compiled files, or above with stage 200', async () => {
    const around = plugin('around', ({ hooks }) => {
      hooks.layer.tapPromise('around', async (layers, context) => [
        ...layers,
        await context.layer([textEntry('below', 'b')], { from: 'below' }),
      ])
      hooks.layer.tapPromise({ name: 'around', stage: 200 }, async (layers, context) => [
        ...layers,
        await context.layer([textEntry('above', 'a')], { from: 'above' }),
      ])
    })
    await using orch = await testOrch([around, textBuilder()])
    const image = only(await orch.build(planOf([imagePlan()])))
    expect(image.manifests[0]?.layers.map(layer => layer.from)).toEqual(['below', 'orch', 'above'])
  })

  it.each(['layer', 'manifest', 'index', 'resolvePlatforms'] as const)(
    'hands frozen values to %s',
    async hook => {
      const rude = plugin('rude', ({ hooks }) => {
        const { tap } = hooks[hook] as unknown as {
          tap: (name: string, fn: (value: object) => unknown) => void
        }
        tap('rude', value => {
          Object.assign(value, Array.isArray(value) ? { 9: 'x' } : { config: 'x', extra: 'x' })
          return value
        })
      })
      await using orch = await testOrch([baseSource(), rude, textBuilder()])
      const plan = imagePlan({ base: 'base:', platforms: ['linux/arm64'] })
      const { images } = await orch.build(planOf([plan]))
      expect(images[0]?.errors[0]?.message).toMatch(
        new RegExp(`plugin rude, hook ${hook}.*(not extensible|read only)`),
      )
    },
  )
})

/** A builder that brings the image of `base:`. */
function prebuilt(): Plugin {
  return plugin('prebuilt', ({ hooks }) => {
    hooks.compile.tapPromise('prebuilt', async () => {
      await using orch = await testOrch([baseSource()])
      return { kind: 'image', source: await orch.open('base:') }
    })
  })
}

describe('an image that exists', () => {
  const plan = imagePlan({ platforms: ['linux/arm64'] })

  it('keeps its manifest byte for byte when nothing is added', async () => {
    await using orch = await testOrch([baseSource(), prebuilt()])
    const original = await orch.open('base:')
    expect(only(await orch.build(planOf([plan]))).manifests[0]?.descriptor.digest).toBe(
      original.root.digest,
    )
  })

  it('gets a new manifest, with OCI media types, when a label is added', async () => {
    await using orch = await testOrch([baseSource(), prebuilt()])
    const image = only(await orch.build(planOf([{ ...plan, labels: { c: '3' } }])))
    const config = await configOf(image)
    expect(config.config?.Labels).toEqual({ a: '1', b: '1', c: '3' })
    expect(config.config?.Cmd).toEqual(['sh'])
    expect((await validateImage(image)).findings).toEqual([])
  })

  it('must have the platform', async () => {
    await using orch = await testOrch([baseSource(), prebuilt()])
    const { images } = await orch.build(planOf([imagePlan({ platforms: ['linux/amd64'] })]))
    expect(images[0]?.errors[0]?.message).toContain(
      'what its builder made has no linux/amd64; it has linux/arm64',
    )
  })
})
