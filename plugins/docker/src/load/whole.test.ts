import { randomBytes } from 'node:crypto'
import { blobFromBytes, type Descriptor, encodeIndex, mediaTypes, OrchError } from '@orch/oci'
import { expect, it } from 'vitest'
import {
  rootedAt,
  spoil,
  type TestImage,
  testImage,
} from '../../../../packages/oci/src/graph/test-image.ts'
import { engineImage, type FakeEngine, fakeEngine, requestOf } from './fake-engine.ts'
import { loadWhole } from './whole.ts'

const all = 7 // an index, two manifests, two configs, two layers

/** Makes the engine have the image, or only its first platforms, so much of each unpacked. */
function hold(
  engine: FakeEngine,
  { root, manifests }: TestImage,
  platforms = 2,
  unpacked?: number,
): void {
  const told = manifests.map(({ digest }, at) => {
    return { digest, available: at < platforms, unpacked }
  })
  engine.held.set(root.digest, engineImage({ id: root.digest, manifests: told }))
}

/** The same platforms in another index, and one platform more. */
async function biggerThan(image: TestImage): Promise<TestImage> {
  const other = await testImage(['linux/s390x'])
  for (const [digest, blob] of image.blobs) other.blobs.set(digest, blob)
  other.blobs.delete(other.root.digest)
  const manifests = [...image.manifests, ...other.manifests]
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
  return { ...rootedAt(other.keep(encodeIndex(index), mediaTypes.index), other), manifests }
}

it('sends all and then nothing, and gives names last', async () => {
  const image = await testImage()
  const engine = fakeEngine('containerd', () => {
    expect(engine.tagged).toEqual([])
    hold(engine, image)
  })
  const { request } = await requestOf(engine, image)
  expect((await loadWhole(request)).sent.blobs).toBe(all)
  expect(engine.tagged).toEqual(['x:1'])
  expect((await loadWhole(request)).sent).toEqual({ blobs: 0, bytes: 0 })
  expect(await loadWhole({ ...request, names: ['y:1'] })).toMatchObject({ sent: { blobs: 0 } })
  expect(engine.tagged).toEqual(['x:1', 'y:1'])
  expect(engine.loads).toHaveLength(1)
})

it('sends no layers of manifests that are there by another image', async () => {
  const image = await testImage()
  const bigger = await biggerThan(image)
  const engine = fakeEngine('containerd', () => hold(engine, bigger, 3))
  hold(engine, image)
  const { request, told } = await requestOf(engine, bigger)
  expect((await loadWhole(request)).sent.blobs).toBe(8) // Seven documents, and a layer.
  expect(told).toEqual([])
})

it.each(['silently', 'by an error'])('sends all when they are gone after all: %s', async how => {
  const image = await testImage()
  const bigger = await biggerThan(image)
  const engine = fakeEngine('containerd', (_, load) => {
    hold(engine, bigger, load === 1 ? 2 : 3)
    if (load === 1 && how === 'by an error') throw new OrchError('DOCKER_LOAD', 'layer not found')
  })
  hold(engine, image)
  const { request, told } = await requestOf(engine, bigger)
  expect((await loadWhole(request)).sent.blobs).toBe(10)
  expect(engine.loads.map(blobs => blobs.length)).toEqual([8, 10])
  expect(told).toMatchObject([expect.stringMatching(/sending all of the image$/)])
})

it('takes no image for whole that could not be unpacked, and gives it no name', async () => {
  const image = await testImage()
  const engine = fakeEngine('containerd', () => hold(engine, image, 2, 0))
  hold(engine, image, 2, 0)
  const { request } = await requestOf(engine, image)
  await expect(loadWhole(request)).rejects.toMatchObject({ code: 'DOCKER_INCOMPLETE' })
  expect(engine.tagged).toEqual([])
  const better = fakeEngine('containerd', () => hold(better, image, 2, 4096))
  await loadWhole({ ...request, engine: better })
  expect(better.tagged).toEqual(['x:1'])
})

it('takes no image for whole of which platforms are missing, and gives it no name', async () => {
  const image = await testImage()
  const engine = fakeEngine('containerd', () => hold(engine, image, 1))
  const { request } = await requestOf(engine, image)
  await expect(loadWhole(request)).rejects.toMatchObject({ code: 'DOCKER_INCOMPLETE' })
  expect(engine.tagged).toEqual([])
})

it('sends all where the API does not tell what is there', async () => {
  const image = await testImage()
  const engine = fakeEngine('containerd', () => {})
  engine.held.set(image.root.digest, engineImage({ id: image.root.digest }))
  const { request } = await requestOf(engine, image)
  expect((await loadWhole(request)).sent.blobs).toBe(all)
  expect(engine.tagged).toEqual(['x:1'])
})

it('names the layer that lies when the engine is left without it', async () => {
  const content = blobFromBytes(randomBytes(2 * 1024 * 1024), mediaTypes.octets)
  const image = await testImage(['linux/amd64'], [{ type: 'file', path: 'x', content }], 'none')
  const [layer] = image.blobs.values()
  const engine = fakeEngine('containerd', () => hold(engine, image, 0))
  const { request } = await requestOf(engine, image)
  const { digest } = spoiled(image, layer?.descriptor)
  await expect(loadWhole(request)).rejects.toMatchObject({
    code: 'BLOB_CORRUPT',
    message: expect.stringContaining(digest),
  })
  expect(engine.loads).toHaveLength(1)
  expect(engine.tagged).toEqual([])
})

function spoiled(image: TestImage, descriptor: Descriptor = image.root): Descriptor {
  spoil(image, descriptor)
  return descriptor
}
