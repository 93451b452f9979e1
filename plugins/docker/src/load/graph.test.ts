import { digestOf, imageConfigIn, OrchError, parsePlatform, readBlob } from '@orch/oci'
import { expect, it } from 'vitest'
import { type TestImage, testImage } from '../../../../packages/oci/src/graph/test-image.ts'
import type { EngineImage } from '../engine/types.ts'
import { engineImage, type FakeEngine, fakeEngine, requestOf } from './fake-engine.ts'
import { loadPlatforms } from './graph.ts'

/** What an engine says of the images's platforms: each is an image of its own. */
async function imagesOf(image: TestImage): Promise<EngineImage[]> {
  const found: EngineImage[] = []
  for (const { descriptor, ...blob } of image.blobs.values()) {
    if (!descriptor.mediaType.includes('config')) continue
    const config = imageConfigIn(await readBlob({ descriptor, ...blob }), 'a config')
    const diffIds = config?.rootfs.diff_ids ?? []
    const platform = parsePlatform(`linux/${found.length === 0 ? 'amd64' : 'arm64'}`)
    found.push(engineImage({ id: descriptor.digest, diffIds, platform }))
  }
  return found
}

const hold = (engine: FakeEngine, images: readonly EngineImage[]): void => {
  for (const image of images) engine.held.set(image.id, image)
}

it('sends the platforms that are asked for, and names each', async () => {
  const image = await testImage()
  const images = await imagesOf(image)
  const engine = fakeEngine('graph-driver', () => hold(engine, images))
  const { request } = await requestOf(engine, image)
  const loaded = await loadPlatforms({ ...request, platforms: 'all' })
  expect(loaded.sent.blobs).toBe(4)
  expect(engine.tagged).toEqual(['x:1', 'x:1-linux-arm64'])
  expect((await loadPlatforms(request)).sent).toEqual({ blobs: 0, bytes: 0 })
  expect(engine.loads).toHaveLength(1)
})

it('leaves out layers that are there, and sends all when they are gone after all', async () => {
  const image = await testImage()
  const images = await imagesOf(image)
  const other = { ...images[0], id: digestOf('another image') } as EngineImage
  const engine = fakeEngine('graph-driver', (_, load) => {
    if (load === 1) throw new OrchError('DOCKER_LOAD', 'no such file or directory')
    hold(engine, images)
  })
  hold(engine, [other])
  const { request, told } = await requestOf(engine, image)
  expect((await loadPlatforms(request)).sent.blobs).toBe(2)
  expect(engine.loads.map(blobs => blobs.length)).toEqual([1, 2])
  expect(told).toEqual(['no such file or directory; sending all of the image'])
})

it('passes on what nothing was left out for, and names nothing then', async () => {
  const engine = fakeEngine('graph-driver', () => {
    throw new OrchError('DOCKER_LOAD', 'no')
  })
  const { request } = await requestOf(engine, await testImage())
  await expect(loadPlatforms(request)).rejects.toMatchObject({ code: 'DOCKER_LOAD', message: 'no' })
  expect(engine.loads).toHaveLength(1)
  expect(engine.tagged).toEqual([])
})

it.each([
  ['is not there', () => undefined],
  ['is for linux/s390x', { platform: parsePlatform('linux/s390x') }],
  ['its layers are others', { diffIds: [digestOf('other')] }],
])('says so when an image %s', async (why, change) => {
  const image = await testImage()
  const [own] = await imagesOf(image)
  const engine = fakeEngine('graph-driver', () => {
    if (own !== undefined && typeof change === 'object') hold(engine, [{ ...own, ...change }])
  })
  const { request } = await requestOf(engine, image)
  await expect(loadPlatforms(request)).rejects.toMatchObject({
    code: 'DOCKER_INCOMPLETE',
    message: expect.stringContaining(why),
  })
  expect(engine.tagged).toEqual([])
  expect([...engine.held]).toEqual([])
})

it('sends nothing of an image that its source does not have whole', async () => {
  const image = await testImage()
  for (const { descriptor } of image.blobs.values())
    if (descriptor.mediaType.includes('layer')) image.blobs.delete(descriptor.digest)
  const engine = fakeEngine('graph-driver', () => {})
  const { request } = await requestOf(engine, image)
  await expect(loadPlatforms(request)).rejects.toMatchObject({ code: 'IMAGE_INCOMPLETE' })
  expect(engine.loads).toEqual([])
})

it('says so when an image is removed before it has its name', async () => {
  const image = await testImage()
  const images = await imagesOf(image)
  const engine = fakeEngine('graph-driver', () => hold(engine, images))
  engine.tag = async () => false
  const { request } = await requestOf(engine, image)
  await expect(loadPlatforms(request)).rejects.toMatchObject({ code: 'DOCKER_INCOMPLETE' })
})
