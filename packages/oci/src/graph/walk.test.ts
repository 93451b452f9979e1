import { describe, expect, it } from 'vitest'
import { encodeIndex } from '../documents/image-index.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { parsePlatform } from '../documents/platform.ts'
import { validateImage } from '../validate/validate.ts'
import { manifestFor, platformManifests } from './select.ts'
import type { ImageSource } from './source.ts'
import { rootedAt, spoil, testImage } from './test-image.ts'
import { walkGraph } from './walk.ts'

async function digestsOf(image: Parameters<typeof walkGraph>[0], limits = {}): Promise<string[]> {
  const found: string[] = []
  for await (const { descriptor } of walkGraph(image, limits)) found.push(descriptor.digest)
  return found
}

describe('walkGraph', () => {
  it('meets every blob once, children before parents, the root last', async () => {
    const image = await testImage()
    const found = await digestsOf(image)
    expect(new Set(found)).toEqual(new Set(image.blobs.keys()))
    expect(found).toHaveLength(image.blobs.size)
    expect(found.at(-1)).toBe(image.root.digest)
  })

  it('follows nested indexes', async () => {
    const image = await testImage()
    const index = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [image.root, image.root],
    } as const
    const nested = rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image)
    expect(await digestsOf(nested)).toHaveLength(image.blobs.size)
  })

  it('walks below a document that an index also names as a mere blob', async () => {
    const image = await testImage(['linux/amd64'])
    const [manifest] = image.manifests
    if (manifest === undefined) throw new Error('no manifest')
    const manifests = [{ ...manifest, mediaType: mediaTypes.octets }, manifest]
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
    const confused = rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image)
    expect(new Set(await digestsOf(confused))).toEqual(
      new Set([...image.blobs.keys()].filter(digest => digest !== image.root.digest)),
    )
  })

  it('names a blob that is missing, and refuses documents that lie', async () => {
    const image = await testImage()
    const [manifest] = image.manifests
    if (manifest === undefined) throw new Error('no manifest')
    spoil(image, manifest)
    await expect(digestsOf(image)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
    image.blobs.delete(manifest.digest)
    await expect(digestsOf(image)).rejects.toThrow(manifest.digest)
  })

  it('gives up on a graph that nests too deep', async () => {
    const image = await testImage()
    let root = image.root
    for (let depth = 0; depth < 20; depth += 1) {
      const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [root] } as const
      root = image.keep(encodeIndex(index), mediaTypes.index)
    }
    await expect(digestsOf(rootedAt(root, image))).rejects.toMatchObject({
      code: 'GRAPH_TOO_LARGE',
    })
    await expect(platformManifests(rootedAt(root, image))).rejects.toMatchObject({
      code: 'GRAPH_TOO_LARGE',
    })
  })

  it('gives up on more descriptors than allowed', async () => {
    await expect(digestsOf(await testImage(), { maxNodes: 3 })).rejects.toMatchObject({
      code: 'GRAPH_TOO_LARGE',
    })
  })
})

/** A few documents that unfold into a great many: every index names the one below it under several platforms. */
async function unfolding(): Promise<ImageSource & { reads(): number }> {
  const image = await testImage(['linux/amd64'])
  let below = image.root
  for (let level = 0; level < 14; level += 1) {
    const manifests = ['a', 'b', 'c', 'd'].map(os => ({
      ...below,
      platform: { os, architecture: 'x' },
    }))
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
    below = image.keep(encodeIndex(index), mediaTypes.index)
  }
  let count = 0
  const blob: ImageSource['content']['blob'] = descriptor => {
    count += 1
    return image.content.blob(descriptor)
  }
  return { root: below, content: { blob }, reads: () => count }
}

describe('a small graph that unfolds into a large one', () => {
  it('is walked, searched and validated in steps that its documents count', async () => {
    const image = await unfolding()
    await digestsOf(image)
    await platformManifests(image)
    await validateImage(image)
    expect(image.reads()).toBeLessThan(500)
  })
})

describe('manifestFor', () => {
  it('reads no manifest whose platform the index says, so that one may be missing', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm64'])
    const [amd64, arm64] = image.manifests
    if (amd64 === undefined || arm64 === undefined) throw new Error('too few manifests')
    image.blobs.delete(arm64.digest)
    const found = await manifestFor(image, parsePlatform('linux/amd64'), { what: 'x' })
    expect(found.descriptor.digest).toBe(amd64.digest)
  })

  it('takes the platform that was asked for', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm/v6', 'linux/arm/v7'])
    const found = await manifestFor(image, parsePlatform('linux/arm/v6'), { what: 'x' })
    expect(found.descriptor.digest).toBe(image.manifests[1]?.digest)
  })

  it('says what there is when the platform is not', async () => {
    const image = await testImage(['linux/amd64', 'linux/arm/v6'])
    await expect(
      manifestFor(image, parsePlatform('linux/arm/v7'), { what: 'the base x' }),
    ).rejects.toMatchObject({
      code: 'PLATFORM_MISSING',
      message: 'the base x has no linux/arm/v7; it has linux/amd64, linux/arm/v6',
      hint: 'linux/arm/v6 would run there too; ask for it by that name.',
    })
  })

  it('reads the config where the index does not say the platform', async () => {
    const image = await testImage(['linux/riscv64'])
    const manifests = image.manifests.map(({ platform: _, ...rest }) => rest)
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
    const bare = rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image)
    expect((await platformManifests(bare)).map(item => item.platform)).toEqual([
      parsePlatform('linux/riscv64'),
    ])
  })
})
