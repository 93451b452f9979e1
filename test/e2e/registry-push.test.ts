import { createOrch, type Exported, type Image, type Orch } from '@orch/core'
import { type Digest, validateImage } from '@orch/oci'
import { type RegistryPluginOptions, registry as registryPlugin } from '@orch/plugin-registry'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { imitations, type Quirks } from '../kit/scripted/quirks.ts'
import { type ScriptedRegistry, startScriptedRegistry } from '../kit/scripted-registry.ts'
import { tempFolder } from '../kit/temp.ts'

const open: Orch[] = []
afterAll(() => Promise.all(open.map(orch => orch.close())))

/** One run of orch, on a store of its own. */
async function newOrch(settings: RegistryPluginOptions = {}): Promise<Orch> {
  const root = await tempFolder('push')
  const plugins = [registryPlugin(settings)]
  const orch = await createOrch({ plugins, root, store: { root }, env: {} })
  open.push(orch)
  return orch
}

/** What the last push warned of. */
let warnings: string[] = []

/** Pushes images with options as the command line gives them. */
async function push(
  images: readonly Image[],
  options: Readonly<Record<string, string>> = {},
  settings: RegistryPluginOptions = {},
): Promise<readonly Exported[]> {
  const checked = await registryPlugin().exporters?.['registry']?.['~standard'].validate(options)
  if (checked === undefined || checked.issues !== undefined) throw new Error('wrong options')
  const orch = await newOrch(settings)
  warnings = []
  orch.events.subscribe(event => {
    if (event.type === 'log') warnings.push(event.message)
  })
  return orch.export(images, [{ exporter: 'registry', options: checked.value }])
}

function named(image: TestImage, ...references: readonly string[]): Image {
  const { root, content } = image
  return { root, content, name: references[0] ?? 'x', references }
}

/** The code of the one error of the one image. */
function codeOf([exported]: readonly Exported[]): unknown {
  expect(exported?.results).toEqual([])
  return (exported?.errors[0] as { code?: unknown } | undefined)?.code
}

async function quirky(quirks: Quirks = {}): Promise<ScriptedRegistry> {
  return startScriptedRegistry(quirks)
}

function indexOfRequest({ requests }: ScriptedRegistry, method: string, path: RegExp): number[] {
  return requests.flatMap((item, at) =>
    item.method === method && path.test(item.path) ? [at] : [],
  )
}

const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'windows/amd64']
let image: TestImage

beforeEach(async () => {
  image = await testImage(platforms)
})

describe('a push', () => {
  it.each(Object.entries(imitations))('ends whole in what is like %s', async (_, quirks) => {
    const server = await quirky(quirks)
    const [exported] = await push([named(image, `${server.host}/team/x:1`)])
    expect(exported?.errors).toEqual([])
    const orch = await newOrch()
    const { findings } = await validateImage(await orch.open(`${server.host}/team/x:1`))
    expect(findings).toEqual([])
    expect(server.uploads.size).toBe(0)
  })

  it('puts blobs before manifests, these before the index, and tags at the very end', async () => {
    const server = await quirky()
    await push([named(image, `${server.host}/a:1`, `${server.host}/b:1`, `${server.host}/a:2`)])
    const tags = indexOfRequest(server, 'PUT', /\/manifests\/[12]$/)
    const manifests = indexOfRequest(server, 'PUT', /\/manifests\/sha256:/)
    const blobs = indexOfRequest(server, 'PUT', /\/uploads\//)
    expect(tags).toHaveLength(3)
    expect(manifests).toHaveLength(8)
    // In the second repository they are mounted.
    expect(blobs).toHaveLength(8)
    expect(Math.min(...tags)).toBeGreaterThan(Math.max(...manifests, ...blobs))
    for (const name of ['a', 'b']) {
      const own = new RegExp(`/${name}/`)
      const of = (list: readonly number[]): number[] =>
        list.filter(at => own.test(server.requests[at]?.path ?? ''))
      expect(Math.min(...of(manifests))).toBeGreaterThan(Math.max(-1, ...of(blobs)))
    }
    expect(server.peak).toBeLessThanOrEqual(8)
  })

  it('leaves no tag when anything is refused before', async () => {
    const server = await quirky()
    const [, second] = image.manifests
    server.fail({ method: 'PUT', path: second?.digest ?? '', times: 99 }, { status: 400 })
    expect(codeOf(await push([named(image, `${server.host}/x:1`)]))).toBe('REGISTRY_REFUSED')
    expect(server.repositories.get('x')?.tags.size).toBe(0)
  })

  it.each(['bare', 'object', 'none'] as const)(
    'sends again what the registry only said it had, told of it %s',
    async unknownDetail => {
      const server = await quirky({ unknownDetail })
      // Four blobs of eight are not there although HEAD says so.
      const answer = { status: 200, headers: { 'content-length': undefined } }
      server.fail({ method: 'HEAD', path: /\/blobs\//, times: 4 }, answer)
      const [exported] = await push([named(image, `${server.host}/x:1`)])
      expect(exported?.errors).toEqual([])
      const orch = await newOrch()
      const { findings } = await validateImage(await orch.open(`${server.host}/x:1`))
      expect(findings).toEqual([])
    },
  )

  it('fails, and leaves no tag, when the registry goes on to miss what was sent', async () => {
    const server = await quirky()
    const body = JSON.stringify({ errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', message: 'no' }] })
    const refused = { status: 404, body, headers: { 'content-length': String(body.length) } }
    server.fail({ method: 'PUT', path: /\/manifests\/sha256:/, times: 99 }, refused)
    expect(codeOf(await push([named(image, `${server.host}/x:1`)]))).toBe('REGISTRY_BLOB_UNKNOWN')
    expect(server.repositories.get('x')?.tags.size ?? 0).toBe(0)
  })

  it('says so when a tag names something else afterwards', async () => {
    const server = await quirky()
    const other: Digest | undefined = image.manifests[0]?.digest
    const lie = { headers: { 'docker-content-digest': other } }
    server.fail({ method: 'HEAD', path: /\/manifests\/1$/, times: 99 }, lie)
    expect(codeOf(await push([named(image, `${server.host}/x:1`)]))).toBe('REGISTRY_MISMATCH')
  })

  it('does not ask mirrors what its tags name now', async () => {
    const [server, mirror] = [await quirky(), await quirky()]
    const stale = await testImage(['linux/riscv64'])
    await push([named(stale, `${mirror.host}/x:1`)])
    const hosts = { [server.host]: { mirrors: [mirror.host] } }
    const reference = `${server.host}/x:1`
    const [exported] = await push([named(image, reference)], {}, { hosts })
    expect(exported?.errors).toEqual([])
    const { root } = await (await newOrch({ hosts })).open(reference)
    expect(root.digest).toBe(stale.root.digest)
  })

  it('sends a blob that several images share once', async () => {
    const server = await quirky()
    const images = ['a', 'b', 'c'].map(name => named(image, `${server.host}/${name}:1`))
    const exported = await push(images)
    expect(exported.flatMap(({ errors }) => errors)).toEqual([])
    expect(indexOfRequest(server, 'PUT', /\/uploads\//)).toHaveLength(8)
  })
})

describe('an image of a registry', () => {
  it('is copied within the registry also where nothing can be mounted', async () => {
    const server = await quirky({ mount: 'never' })
    const large = await testImage(platforms.concat('linux/386', 'linux/s390x', 'linux/riscv64'))
    await push([named(large, `${server.host}/x:1`)])
    const source = await (await newOrch()).open(`${server.host}/x:1`)
    const [exported] = await push([{ ...source, name: 'y', references: [`${server.host}/y:1`] }])
    expect(exported?.errors).toEqual([])
    expect(exported?.results[0]?.details).toMatchObject({ sent: { blobs: 14 } })
  })

  it('is opened without a question about its layers', async () => {
    const server = await quirky()
    await push([named(image, `${server.host}/x:1`)])
    server.calm()
    const orch = await newOrch()
    const opened = await orch.open(`docker://${server.host}/x:1`)
    expect(opened.names).toEqual([`${server.host}/x:1`])
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'HEAD /v2/x/manifests/1',
    ])
    const [layer] = [...image.blobs.values()].filter(({ descriptor: { mediaType } }) =>
      mediaType.endsWith('gzip'),
    )
    if (layer === undefined) throw new Error('no layer')
    const { origins } = await opened.content.blob(layer.descriptor)
    expect(origins).toEqual([{ registry: server.host, repository: 'x' }])
    expect(server.requests).toHaveLength(1)
  })
})
