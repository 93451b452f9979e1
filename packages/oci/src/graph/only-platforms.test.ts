import { describe, expect, it } from 'vitest'
import { readBlob } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { encodeIndex, parseIndex } from '../documents/image-index.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { parsePlatform } from '../documents/platform.ts'
import { validateImage } from '../validate/validate.ts'
import { onlyPlatforms } from './only-platforms.ts'
import { blobOf, type ImageSource } from './source.ts'
import { rootedAt, type TestImage, testImage } from './test-image.ts'

const all = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'windows/amd64']
const what = 'the image x'

async function only(image: ImageSource, ...platforms: string[]): Promise<ImageSource> {
  return onlyPlatforms(image, platforms.map(parsePlatform), { what })
}

async function manifestsOf(image: ImageSource): Promise<readonly Descriptor[]> {
  return parseIndex(await readBlob(await blobOf(image.content, image.root))).manifests
}

function indexOf(image: TestImage, manifests: readonly Descriptor[], annotations = {}): Descriptor {
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests, annotations } as const
  return image.keep(encodeIndex(index), mediaTypes.index)
}

describe('onlyPlatforms', () => {
  it('gives the very same source when all its platforms are asked for, or none is named', async () => {
    const image = await testImage(all)
    expect(await only(image, ...all.toReversed())).toBe(image)
    expect(await only(image)).toBe(image)
  })

  it('makes an index of the chosen manifests, unchanged and in their order', async () => {
    const image = await testImage(all)
    const chosen = await only(image, 'windows/amd64', 'linux/arm64')
    expect(await manifestsOf(chosen)).toEqual([image.manifests[1], image.manifests[3]])
    const { findings, platforms } = await validateImage(chosen)
    expect(findings).toEqual([])
    expect(platforms).toEqual(['linux/arm64', 'windows/amd64'])
    const again = await only(image, 'linux/arm64', 'windows/amd64')
    expect(again.root).toEqual(chosen.root)
  })

  it('needs nothing of the platforms that are left out', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm64'])
    const [amd64, arm64] = image.manifests
    if (arm64 !== undefined) image.blobs.delete(arm64.digest)
    expect(await manifestsOf(await only(image, 'linux/amd64'))).toEqual([amd64])
  })

  it('keeps names and annotations, opens nested indexes, and closes what it came from', async () => {
    const image = await testImage(all)
    const [first, second, ...rest] = image.manifests
    if (first === undefined || second === undefined) throw new Error('too few manifests')
    const nested = indexOf(image, [first, second])
    const root = indexOf(image, [nested, ...rest], { 'org.example.a': 'b' })
    let closed = 0
    const source: ImageSource = {
      root: { ...root, annotations: { 'org.example.c': 'd' } },
      content: image.content,
      names: ['docker.io/library/x:1'],
      close: async () => {
        closed += 1
      },
    }
    const chosen = await only(source, 'linux/arm64', 'linux/arm/v7')
    expect(await manifestsOf(chosen)).toEqual([second, rest[0]])
    const bytes = await readBlob(await blobOf(chosen.content, chosen.root))
    expect(parseIndex(bytes).annotations).toEqual({ 'org.example.a': 'b' })
    expect(chosen.root.annotations).toEqual({ 'org.example.c': 'd' })
    expect(chosen.names).toEqual(['docker.io/library/x:1'])
    await chosen.close?.()
    expect(closed).toBe(1)
  })

  it('takes an attestation along with the manifest that it is about, and with no other', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm64'])
    const attestations = image.manifests.map(
      (about, at): Descriptor => ({
        ...image.keep(Buffer.from(`{"a":${at}}`), mediaTypes.manifest),
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.digest': about.digest },
      }),
    )
    const root = indexOf(image, [...image.manifests, ...attestations])
    const source = rootedAt(root, image)
    expect(await only(source, 'linux/amd64', 'linux/arm64')).toBe(source)
    expect(await manifestsOf(await only(source, 'linux/arm64'))).toEqual([
      image.manifests[1],
      attestations[1],
    ])
  })

  it('takes one of the platforms that a single manifest serves', async () => {
    const image = await testImage(['linux/amd64'])
    const [manifest] = image.manifests
    if (manifest === undefined) throw new Error('no manifest')
    const v3 = { ...manifest, platform: parsePlatform('linux/amd64/v3') }
    const source = rootedAt(indexOf(image, [manifest, v3]), image)
    expect(await manifestsOf(await only(source, 'linux/amd64/v3'))).toEqual([v3])
    const lone = rootedAt(manifest, image)
    expect(await only(lone, 'linux/amd64')).toBe(lone)
  })

  it('says what there is when a platform is not', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm/v6'])
    await expect(only(image, 'linux/amd64', 'linux/arm/v7')).rejects.toMatchObject({
      code: 'PLATFORM_MISSING',
      message: 'the image x has no linux/arm/v7; it has linux/amd64, linux/arm/v6',
    })
  })
})
