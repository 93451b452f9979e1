import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Descriptor } from '../documents/descriptor.ts'
import { encodeImageConfig } from '../documents/image-config.ts'
import { encodeIndex } from '../documents/image-index.ts'
import { encodeManifest, parseManifest } from '../documents/manifest.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { parsePlatform } from '../documents/platform.ts'
import { readDocument } from './document.ts'
import { platformManifests } from './select.ts'
import { missingError, surveyGraph } from './survey.ts'
import { rootedAt, spoil, type TestImage, testImage } from './test-image.ts'
import { walkGraph } from './walk.ts'

/** The same image under another index. */
function indexOf(image: TestImage, manifests: readonly Descriptor[]): TestImage {
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
  return rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image)
}

/** Another manifest in the image's store. */
function manifestOf(
  image: TestImage,
  config: Descriptor,
  layers: readonly Descriptor[],
): Descriptor {
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers } as const
  return image.keep(encodeManifest(manifest), mediaTypes.manifest)
}

/** What the manifest of a platform points at. */
async function partsOf(image: TestImage, at: number): Promise<Descriptor[]> {
  const descriptor = image.manifests[at]
  if (descriptor === undefined) throw new Error(`no manifest ${at}`)
  const document = await readDocument(image.content, descriptor)
  if (document.kind !== 'manifest') throw new Error('no manifest')
  return [document.manifest.config, ...document.manifest.layers, descriptor]
}

/** An attestation of one layer about a manifest, as BuildKit writes it. */
function attestation(image: TestImage, about: Descriptor): { own: Descriptor; layer: Descriptor } {
  const layer = image.keep(Buffer.from(`about ${about.digest}`), 'application/vnd.in-toto+json')
  const unknown = { os: 'unknown', architecture: 'unknown' }
  const rootfs = { type: 'layers', diff_ids: [] } as const
  const config = image.keep(encodeImageConfig({ ...unknown, rootfs }), mediaTypes.config)
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: [layer],
  } as const
  const own = image.keep(encodeManifest(manifest), mediaTypes.manifest, {
    platform: unknown,
    annotations: { 'vnd.docker.reference.digest': about.digest },
  })
  return { own, layer }
}

describe('surveyGraph', () => {
  it('meets what a walk meets, in its order, when nothing is missing', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm64', 'linux/arm/v7'])
    const survey = await surveyGraph(image)
    const walked: string[] = []
    for await (const node of walkGraph(image)) walked.push(node.descriptor.digest)
    expect(survey.nodes.map(node => node.descriptor.digest)).toEqual(walked)
    expect(walked.toSorted()).toEqual([...image.blobs.keys()].sort())
    expect(survey.missing).toEqual([])
    expect(survey.complete).toEqual(['linux/amd64', 'linux/arm64', 'linux/arm/v7'])
  })

  it('says of each missing blob what it is and which platforms need it', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm64', 'linux/s390x', 'linux/riscv64'])
    const [, layer] = await partsOf(image, 1)
    const [config] = await partsOf(image, 2)
    const [, , manifest] = await partsOf(image, 3)
    for (const item of [layer, config, manifest]) image.blobs.delete(item?.digest as never)
    const survey = await surveyGraph(image)
    expect(survey.missing).toEqual([
      { descriptor: layer, role: 'layers[0]', platforms: ['linux/arm64'] },
      { descriptor: config, role: 'config', platforms: ['linux/s390x'] },
      { descriptor: manifest, role: 'manifest', platforms: ['linux/riscv64'] },
    ])
    expect(survey.complete).toEqual(['linux/amd64'])
    const error = missingError(survey, 'oci:x')
    expect(error.code).toBe('IMAGE_INCOMPLETE')
    expect(error.message).toBe(
      `oci:x lacks 3 blobs: linux/arm64 layers[0] ${layer?.digest}; linux/s390x config ${config?.digest}; linux/riscv64 manifest ${manifest?.digest}`,
    )
    expect(error.hint).toContain('--platform linux/amd64,')
  })

  it('names a blob that several platforms share once, and ten at most', async () => {
    const image = await testImage(['linux/amd64'])
    const shared = {
      ...image.manifests[0],
      platform: parsePlatform('linux/amd64/v3'),
    } as Descriptor
    const twice = indexOf(image, [...image.manifests, shared])
    const [, layer] = await partsOf(image, 0)
    image.blobs.delete(layer?.digest as never)
    const survey = await surveyGraph(twice)
    expect(survey.missing).toMatchObject([{ platforms: ['linux/amd64', 'linux/amd64/v3'] }])
    expect(missingError(survey, 'x').hint).toMatch(/^No platform of it is whole/)
    const many = Array.from({ length: 13 }, (_, at) => ({
      descriptor: shared,
      role: `layers[${at}]`,
      platforms: [],
    }))
    const { message } = missingError({ ...survey, missing: many }, 'x')
    expect(message).toMatch(/^x lacks 13 blobs: .*layers\[9\] sha256:\w+; and 3 more$/)
  })

  it('counts an attestation for the platform that it is about', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm64'])
    const [amd64] = image.manifests
    if (amd64 === undefined) throw new Error('no manifest')
    const { own, layer } = attestation(image, amd64)
    const attested = indexOf(image, [...image.manifests, own])
    expect(await surveyGraph(attested)).toMatchObject({
      missing: [],
      complete: ['linux/amd64', 'linux/arm64'],
    })
    image.blobs.delete(layer.digest)
    expect(await surveyGraph(attested)).toMatchObject({
      missing: [{ role: 'attestation layers[0]', platforms: ['linux/amd64'] }],
      complete: ['linux/arm64'],
    })
  })

  it('knows the platform from the config where no index says it', async () => {
    const image = await testImage(['linux/riscv64'])
    const [, layer, manifest] = await partsOf(image, 0)
    if (manifest === undefined) throw new Error('no manifest')
    image.blobs.delete(layer?.digest as never)
    const { platform: _, ...bare } = manifest
    const survey = await surveyGraph(rootedAt(bare, image))
    expect(survey.missing).toMatchObject([{ role: 'layers[0]', platforms: ['linux/riscv64'] }])
    expect(survey.complete).toEqual([])
  })

  it('survives a missing root', async () => {
    const image = await testImage(['linux/amd64'])
    image.blobs.delete(image.root.digest)
    const survey = await surveyGraph(image)
    expect(survey).toMatchObject({ nodes: [], missing: [{ role: 'index', platforms: [] }] })
    expect(missingError(survey, 'x').message).toBe(`x lacks a blob: index ${image.root.digest}`)
  })

  it('does not miss a foreign layer, and refuses a document that lies', async () => {
    const image = await testImage(['windows/amd64'])
    const [, , descriptor] = await partsOf(image, 0)
    if (descriptor === undefined) throw new Error('no manifest')
    const document = await readDocument(image.content, descriptor)
    const manifest = parseManifest(document.bytes)
    const layers = manifest.layers.map(layer => ({
      ...layer,
      mediaType: mediaTypes.foreignLayerGzip,
      urls: ['https://example.com/layer'],
    }))
    for (const layer of layers) image.blobs.delete(layer.digest)
    const { platform = parsePlatform('windows/amd64') } = descriptor
    const bytes = encodeManifest({ ...manifest, layers })
    const foreign = indexOf(image, [image.keep(bytes, mediaTypes.manifest, { platform })])
    expect(await surveyGraph(foreign)).toMatchObject({ missing: [], complete: ['windows/amd64'] })
    spoil(image, descriptor)
    await expect(surveyGraph(image)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('refuses a manifest whose config tells of another number of layers', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm64'])
    const [config, layer, descriptor] = await partsOf(image, 1)
    if (config === undefined || layer === undefined) throw new Error('no parts')
    const bytes = encodeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: [layer, layer],
    })
    const platform = descriptor?.platform ?? parsePlatform('linux/arm64')
    const wrong = indexOf(image, [image.keep(bytes, mediaTypes.manifest, { platform })])
    await expect(surveyGraph(wrong)).rejects.toMatchObject({
      code: 'DIFF_ID_COUNT',
      message: expect.stringContaining('has 2 filesystem layers, its config has 1 diffIDs'),
    })
  })

  it('counts filesystem layers alone, as containerd does', async () => {
    const image = await testImage(['linux/amd64'])
    const [config, tar] = await partsOf(image, 0)
    if (config === undefined || tar === undefined) throw new Error('no parts')
    const other = image.keep(Buffer.from('{}'), 'application/vnd.example.notes+json')
    const encrypted = image.keep(Buffer.from('?'), `${mediaTypes.layerGzip}+encrypted`)
    const surveyed = (layers: readonly Descriptor[], own: Descriptor = config): Promise<unknown> =>
      surveyGraph(rootedAt(manifestOf(image, own, layers), image))
    expect(await surveyed([other, tar])).toMatchObject({ complete: ['linux/amd64'] })
    expect(await surveyed([other])).toMatchObject({ missing: [] })
    const rootfs = { type: 'layers', diff_ids: [tar.digest, other.digest] } as const
    const bytes = encodeImageConfig({ ...parsePlatform('linux/amd64'), rootfs })
    const two = image.keep(bytes, mediaTypes.config)
    expect(await surveyed([tar, encrypted], two)).toMatchObject({ missing: [] })
    for (const layers of [[tar, other], []])
      await expect(surveyed(layers, two)).rejects.toMatchObject({ code: 'DIFF_ID_COUNT' })
  })

  it('takes an artifact with the media type of an image config for no image', async () => {
    const image = await testImage([])
    const empty = image.keep(Buffer.from('{}'), mediaTypes.config)
    const layer = image.keep(Buffer.from('x'), mediaTypes.layer)
    const artifact = rootedAt(manifestOf(image, empty, [layer]), image)
    expect(await surveyGraph(artifact)).toMatchObject({
      nodes: { length: 3 },
      missing: [],
      complete: [],
    })
    expect(await platformManifests(artifact)).toEqual([])
    const half = image.keep(Buffer.from('{"rootfs":{"type":"files"}}'), mediaTypes.config)
    const wrong = rootedAt(manifestOf(image, half, [layer]), image)
    await expect(surveyGraph(wrong)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' })
  })

  it('asks for several blobs at once, and for no more than sixteen', async () => {
    const platforms = Array.from({ length: 40 }, (_, at) => `linux/arch${at}`)
    const image = await testImage(platforms)
    let running = 0
    let most = 0
    const slow: TestImage['content'] = {
      async blob(descriptor) {
        running += 1
        most = Math.max(most, running)
        await sleep(1)
        running -= 1
        return image.content.blob(descriptor)
      },
    }
    const survey = await surveyGraph({ root: image.root, content: slow })
    expect(survey.nodes).toHaveLength(image.blobs.size)
    expect(most).toBe(16)
  })

  it('ends when it is told to', async () => {
    const image = await testImage()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(surveyGraph(image, { signal })).rejects.toThrow('enough')
  })
})
