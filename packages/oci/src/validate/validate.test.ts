import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { Descriptor } from '../documents/descriptor.ts'
import { type Digest, digestOf } from '../documents/digest.ts'
import { encodeImageConfig } from '../documents/image-config.ts'
import { encodeIndex } from '../documents/image-index.ts'
import { encodeManifest } from '../documents/manifest.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { parsePlatform } from '../documents/platform.ts'
import { rootedAt, spoil, type TestImage, testImage } from '../graph/test-image.ts'
import { validateImage } from './validate.ts'

const rootfs = (...ids: Digest[]) => ({ type: 'layers', diff_ids: ids }) as const

/** An image of one manifest with the parts given, under an index that says linux/amd64. */
async function handmade(
  layers: readonly [bytes: Uint8Array, mediaType: string][],
  diffIds: readonly Digest[],
  platform = 'linux/amd64',
): Promise<TestImage> {
  const image = await testImage([])
  const config = image.keep(
    encodeImageConfig({ ...parsePlatform(platform), rootfs: rootfs(...diffIds) }),
    mediaTypes.config,
  )
  const descriptors = layers.map(([bytes, mediaType]) => image.keep(bytes, mediaType))
  const bytes = encodeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: descriptors,
  })
  const manifest = image.keep(bytes, mediaTypes.manifest, {
    platform: parsePlatform('linux/amd64'),
  })
  return indexOf(image, [manifest])
}

function indexOf(image: TestImage, manifests: readonly Descriptor[]): TestImage {
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
  return rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image)
}

async function codesOf(image: TestImage): Promise<string[]> {
  return (await validateImage(image)).findings.map(finding => finding.code)
}

describe('validateImage', () => {
  it.each(['gzip', 'zstd', 'none'] as const)(
    'finds nothing wrong with a sound image whose layers are %s',
    async type => {
      const image = await testImage(['linux/amd64', 'linux/arm/v7'], [], type)
      const { findings, blobs, bytes, platforms } = await validateImage(image)
      expect(findings).toEqual([])
      expect(blobs).toBe(image.blobs.size)
      expect(bytes).toBe(
        [...image.blobs.values()].reduce((sum, { descriptor }) => sum + descriptor.size, 0),
      )
      expect(platforms).toEqual(['linux/amd64', 'linux/arm/v7'])
    },
  )

  it('reports everything that is wrong, and where', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm64', 'linux/s390x'])
    const blobs = [...image.blobs.values()].map(blob => blob.descriptor)
    const [layer, , , , config, manifest] = blobs
    if (layer === undefined || config === undefined || manifest === undefined)
      throw new Error('too few blobs')
    spoil(image, layer)
    image.blobs.delete(config.digest)
    const third = image.manifests[2]
    if (third === undefined) throw new Error('no third manifest')
    spoil(image, third, Buffer.alloc(third.size + 1))
    const { findings } = await validateImage(image)
    expect(findings.map(({ code }) => code)).toEqual([
      'BLOB_CORRUPT',
      'BLOB_MISSING',
      'BLOB_CORRUPT',
    ])
    expect(findings[0]?.where).toMatch(
      /^index sha256:\w{12} › linux\/amd64 sha256:\w{12} › layers\[0\]$/,
    )
    expect(findings[1]?.where).toMatch(/linux\/arm64 .* › config$/)
  })

  it('compares diffIDs, and counts them', async () => {
    const tar = Buffer.alloc(1024)
    expect(await codesOf(await handmade([[tar, mediaTypes.layer]], [digestOf(tar)]))).toEqual([])
    expect(await codesOf(await handmade([[tar, mediaTypes.layer]], [digestOf('other')]))).toEqual([
      'DIFF_ID_WRONG',
    ])
    expect(await codesOf(await handmade([[tar, mediaTypes.layer]], []))).toEqual(['DIFF_ID_COUNT'])
  })

  it('compares the platform of the index with the config', async () => {
    expect(await codesOf(await handmade([], [], 'linux/arm64'))).toEqual(['PLATFORM_WRONG'])
  })

  it('finds one platform served twice', async () => {
    const image = await testImage(['linux/amd64'])
    const other = await handmade([], [])
    for (const [digest, blob] of other.blobs) image.blobs.set(digest, blob)
    const children = [...image.manifests, ...[...other.blobs.values()].map(blob => blob.descriptor)]
    const twice = children.filter(item => item.mediaType === mediaTypes.manifest)
    expect(await codesOf(indexOf(image, twice))).toEqual(['PLATFORM_TWICE'])
  })

  it('finds a media type that lies about the compression, and a damaged stream', async () => {
    const tar = Buffer.alloc(1024)
    expect(await codesOf(await handmade([[tar, mediaTypes.layerGzip]], [digestOf(tar)]))).toEqual([
      'LAYER_COMPRESSION',
    ])
    const cut = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 2, 3])
    expect(await codesOf(await handmade([[cut, mediaTypes.layerGzip]], [digestOf(tar)]))).toEqual([
      'COMPRESSION_INVALID',
    ])
  })

  it('finds a second descriptor of the same layer that lies', async () => {
    const tar = Buffer.alloc(1024)
    const image = await handmade([[tar, mediaTypes.layer]], [digestOf(tar)])
    const layer = { mediaType: mediaTypes.layerZstd, digest: digestOf(tar), size: 5 }
    const config = image.keep(
      encodeImageConfig({ os: 'linux', architecture: 's390x', rootfs: rootfs(digestOf(tar)) }),
      mediaTypes.config,
    )
    const lying = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: [layer],
    } as const
    const manifests = [image.root, image.keep(encodeManifest(lying), mediaTypes.manifest)]
    expect(await codesOf(indexOf(image, manifests))).toEqual(['BLOB_CORRUPT'])
  })

  it('finds a layer, a config and a history that do not belong to an image', async () => {
    const tar = Buffer.alloc(1024)
    expect(await codesOf(await handmade([[tar, 'application/x-foo']], [digestOf(tar)]))).toEqual([
      'LAYER_TYPE',
    ])
    const image = await testImage(['linux/amd64'])
    const config = image.keep(Buffer.from('{}'), 'application/x-foo')
    const artifact = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: [],
    } as const
    const platform = parsePlatform('linux/arm64')
    const manifest = image.keep(encodeManifest(artifact), mediaTypes.manifest, { platform })
    expect(await codesOf(indexOf(image, [...image.manifests, manifest]))).toEqual(['CONFIG_TYPE'])
    const told = await testImage([])
    const history = [{ created_by: 'a' }, { created_by: 'b' }]
    const long = told.keep(
      encodeImageConfig({
        os: 'linux',
        architecture: 'amd64',
        rootfs: rootfs(digestOf(tar)),
        history,
      }),
      mediaTypes.config,
    )
    const layers = [told.keep(tar, mediaTypes.layer)]
    const bytes = encodeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: long,
      layers,
    })
    expect(await codesOf(indexOf(told, [told.keep(bytes, mediaTypes.manifest)]))).toEqual([
      'HISTORY_COUNT',
    ])
  })

  it('finds a platform that an index does not serve', async () => {
    const image = await testImage(['linux/amd64'])
    const nested = { ...image.root, platform: parsePlatform('plan9/386') }
    expect(await codesOf(indexOf(image, [nested]))).toEqual(['PLATFORM_WRONG'])
  })

  it('tells damaged bytes from a badly built stream', async () => {
    const image = await testImage(['linux/amd64'], [], 'gzip')
    const [layer] = [...image.blobs.values()].map(blob => blob.descriptor)
    if (layer === undefined) throw new Error('no layer')
    const bytes = Buffer.from(
      await buffer(image.blobs.get(layer.digest)?.open() ?? Readable.from([])),
    )
    bytes.fill(0xff, 20, 60)
    const chunks = [bytes.subarray(0, -8), bytes.subarray(-8)]
    image.blobs.set(layer.digest, { descriptor: layer, open: () => Readable.from(chunks) })
    expect(await codesOf(image)).toContain('BLOB_CORRUPT')
  })

  it('finds a layer that would unpack outside the root, and one that is no tar', async () => {
    const { default: tarStream } = await import('tar-stream')
    const pack = tarStream.pack()
    pack.entry({ name: '../../etc/cron.d/x' }, 'x')
    pack.finalize()
    const chunks: Uint8Array[] = []
    for await (const chunk of pack as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const { findings } = await validateImage(
      await handmade([[bytes, mediaTypes.layer]], [digestOf(bytes)]),
    )
    expect(findings.map(item => item.message)).toEqual([
      'the layer has the entry "../../etc/cron.d/x", which leaves the root',
    ])
    const noise = Buffer.alloc(1024, 'noise')
    expect(await codesOf(await handmade([[noise, mediaTypes.layer]], [digestOf(noise)]))).toEqual([
      'LAYER_TAR',
    ])
  })

  it('takes manifests that are no images (attestations, artifacts) by their digests alone', async () => {
    const image = await testImage(['linux/amd64'])
    const platform = { os: 'unknown', architecture: 'unknown' }
    const statement = Buffer.from('{"a":1}')
    const layer = image.keep(statement, 'application/vnd.in-toto+json')
    const rootfs = { type: 'layers', diff_ids: [digestOf(statement)] } as const
    const manifests = [
      image.keep(Buffer.from('{}'), mediaTypes.empty),
      // As BuildKit has it.
      image.keep(encodeImageConfig({ ...platform, rootfs }), mediaTypes.config),
    ].map(config => {
      const json = { schemaVersion: 2, mediaType: mediaTypes.manifest, layers: [layer] } as const
      return image.keep(encodeManifest({ ...json, config }), mediaTypes.manifest, { platform })
    })
    const whole = indexOf(image, [...image.manifests, ...manifests])
    const { findings, platforms } = await validateImage(whole)
    expect(findings).toEqual([])
    expect(platforms).toEqual(['linux/amd64'])
    spoil(image, layer)
    expect((await validateImage(whole)).findings.map(({ code }) => code)).toEqual([
      'BLOB_CORRUPT',
      'BLOB_CORRUPT',
    ])
  })

  it('stops when it is told to', async () => {
    await expect(
      validateImage(await testImage(), AbortSignal.abort(new Error('enough'))),
    ).rejects.toThrow('enough')
  })
})
