import {
  blobFromBytes,
  type Digest,
  digestOf,
  encodeImageConfig,
  encodeManifest,
  type ImageSource,
  mediaTypes,
  parseImageConfig,
  readBlob,
  validateImage,
} from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { imagePlan, planOf, plugin, testOrch, textBuilder, textEntry } from './test-plugin.ts'
import type { BuildResult, BuiltImage } from './types/build.ts'
import type { Plugin } from './types/plugin.ts'

function only(result: BuildResult): BuiltImage {
  const [{ image, errors } = { errors: [] }] = result.images
  if (image === undefined) throw errors[0] ?? new Error('no image')
  return image
}

async function configOf(image: BuiltImage, at = 0): ReturnType<typeof parseConfig> {
  const manifest = image.manifests[at]
  if (manifest === undefined) throw new Error('no such manifest')
  return parseConfig(await readBlob(manifest.config))
}
const parseConfig = async (bytes: Uint8Array): Promise<ReturnType<typeof parseImageConfig>> =>
  parseImageConfig(bytes)

/** Opens `base:` as an image with one layer, a command, a user and an environment. */
function baseSource(diffId?: Digest): Plugin {
  return plugin(
    'base',
    ({ hooks }) => {
      hooks.source.tapPromise('base', async ref => {
        if (ref.scheme !== 'base') return undefined
        const layer = blobFromBytes(Buffer.alloc(1024), mediaTypes.dockerLayer)
        const config = blobFromBytes(
          encodeImageConfig({
            os: 'linux',
            architecture: 'arm64',
            config: {
              User: '7',
              Cmd: ['sh'],
              Env: ['PATH=/bin', 'MADE=no'],
              Labels: { a: '1', b: '1' },
            },
            rootfs: { type: 'layers', diff_ids: [diffId ?? layer.descriptor.digest] },
            history: [{ created_by: 'old' }, { created_by: 'env', empty_layer: true }],
          }),
          mediaTypes.config,
        )
        const manifest = blobFromBytes(
          encodeManifest({
            schemaVersion: 2,
            mediaType: mediaTypes.manifest,
            config: config.descriptor,
            layers: [layer.descriptor],
          }),
          mediaTypes.manifest,
        )
        const blobs = [layer, config, manifest]
        const blob = async ({ digest }: { digest: string }) =>
          blobs.find(item => item.descriptor.digest === digest) ?? layer
        return { root: manifest.descriptor, content: { blob } }
      })
    },
    { sources: ['base'] },
  )
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

/** A source whose root is a blob with this text. */
function rootOf(text: string): ImageSource {
  const blob = blobFromBytes(Buffer.from(text), mediaTypes.octets)
  return { root: blob.descriptor, content: { blob: async () => blob } }
}

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

describe('what goes wrong', () => {
  const fails = (when: string): Plugin =>
    plugin('fails', ({ hooks }) => {
      hooks.compile.tap('fails', (_target, { platformName }) => {
        if (platformName === when) throw new Error(`no ${when}`)
        return undefined
      })
    })

  it('in one platform is told, and other images are still built and exported', async () => {
    const sink = plugin('sink', ({ hooks }) => {
      hooks.export.for('sink').tapPromise('sink', async image => {
        const { name, root } = image
        return { exporter: 'sink', image: name, digest: root.digest, location: '/', names: [] }
      })
    })
    await using orch = await testOrch([fails('linux/s390x'), sink, textBuilder()])
    const bad = imagePlan({ name: 'bad', platforms: ['linux/amd64', 'linux/s390x'] })
    const { images, ok } = await orch.build(planOf([bad, imagePlan()], ['sink']))
    expect(ok).toBe(false)
    expect(images.map(image => image.exports.length)).toEqual([0, 1])
    expect(images[0]?.errors.map(error => error.message)).toEqual([
      'plugin fails, hook compile, bad linux/s390x: no linux/s390x',
    ])
  })

  it('in one exporter does not stop the others', async () => {
    const sinks = plugin('sinks', ({ hooks }) => {
      hooks.export.for('leaky').tap('sinks', () => {
        throw new Error('it leaks')
      })
      hooks.export.for('sound').tap('sinks', image => {
        const { name, root } = image
        return { exporter: 'sound', image: name, digest: root.digest, location: '/', names: [] }
      })
    })
    await using orch = await testOrch([sinks, textBuilder()])
    const { images } = await orch.build(planOf([imagePlan()], ['leaky', 'sound', 'absent']))
    expect(images[0]?.exports.map(item => item.exporter)).toEqual(['sound'])
    expect(images[0]?.errors.map(error => error.message)).toEqual([
      'plugin sinks, hook export.leaky, app: it leaks',
      'no plugin took the export to "absent"',
    ])
  })

  it('is told for an image that was not built here, too', async () => {
    const sink = plugin('sink', ({ hooks }) => {
      hooks.export.for('sink').tap('sink', ({ name, root, references }) => {
        return {
          exporter: 'sink',
          image: name,
          digest: root.digest,
          location: '/',
          names: references,
        }
      })
    })
    await using orch = await testOrch([baseSource(), sink])
    const image = { ...(await orch.open('base:')), name: 'copy', references: ['copy:1'] }
    const exports = ['sink', 'absent'].map(exporter => ({ exporter, options: {} }))
    const { results, errors } = await orch.export(image, exports)
    expect(results).toMatchObject([{ image: 'copy', digest: image.root.digest, names: ['copy:1'] }])
    expect(errors).toMatchObject([{ code: 'EXPORTER_MISSING' }])
  })

  it('in a tap of done is told, and the result is not lost', async () => {
    const late = plugin('late', ({ hooks }) => {
      hooks.done.tap('late', () => {
        throw new Error('too late')
      })
    })
    await using orch = await testOrch([late, textBuilder()])
    const { images, errors, ok } = await orch.build(planOf([imagePlan()]))
    expect(ok).toBe(false)
    expect(images[0]?.image?.root.digest).toMatch(/^sha256:/)
    expect(errors.map(error => error.message)).toEqual(['plugin late, hook done: too late'])
  })

  it('in a tap of configResolved ends the build before it began', async () => {
    const calls: string[] = []
    const early = plugin('early', ({ hooks }) => {
      hooks.configResolved.tap('early', () => {
        throw new Error('too early')
      })
      hooks.failed.tap('early', () => void calls.push('failed'))
    })
    await using orch = await testOrch([early, textBuilder()])
    expect(await orch.build(planOf([imagePlan()]))).toMatchObject({ ok: false, images: [] })
    expect(calls).toEqual(['failed'])
  })

  it('in one source that closes does not keep the others open', async () => {
    const closed: string[] = []
    const media = plugin(
      'media',
      ({ hooks }) => {
        hooks.source.tapPromise('media', async ({ rest }) => {
          const { root, content } = rootOf(rest)
          const close = async (): Promise<void> => {
            closed.push(rest)
            if (rest === 'aa') throw new Error('stuck')
          }
          return { root, content, close }
        })
        hooks.shutdown.tap('media', () => void closed.push('shutdown'))
      },
      { sources: ['m'] },
    )
    const orch = await testOrch([media])
    await orch.open('m:aa')
    await orch.open('m:bb')
    await expect(orch.close()).rejects.toThrow('closing failed')
    expect(closed).toEqual(['aa', 'bb', 'shutdown'])
  })

  it('calls failed or done, and shutdown in the end', async () => {
    const calls: string[] = []
    const watch = plugin('watch', ({ hooks }) => {
      hooks.configResolved.tap('watch', () => void calls.push('configResolved'))
      hooks.done.tap('watch', () => void calls.push('done'))
      hooks.failed.tap('watch', () => void calls.push('failed'))
      hooks.shutdown.tap('watch', () => void calls.push('shutdown'))
    })
    {
      await using orch = await testOrch([watch, textBuilder()])
      await orch.build(planOf([imagePlan()]))
      await orch.build(planOf([imagePlan({ build: { builder: 'none', options: {} } })]))
    }
    expect(calls).toEqual(['configResolved', 'done', 'configResolved', 'failed', 'shutdown'])
  })

  it('is an unknown source', async () => {
    await using orch = await testOrch([baseSource()])
    await expect(orch.open('nowhere:x')).rejects.toMatchObject({ code: 'SOURCE_UNKNOWN' })
  })
})
