import { blobFromBytes, type Digest, digestParts, mediaTypes, OrchError } from '@orch/oci'
import { expect, it } from 'vitest'
import { type TestImage, testImage } from '../../../../packages/oci/src/graph/test-image.ts'
import { engineImage, type FakeEngine, fakeEngine, requestOf } from './fake-engine.ts'
import { loadWhole } from './whole.ts'

/** An image for two platforms that is worth two parts. */
function largeImage(): Promise<TestImage> {
  const content = blobFromBytes(Buffer.alloc(33 * 1024 * 1024), mediaTypes.octets)
  return testImage(['linux/amd64', 'linux/arm64'], [{ type: 'file', path: 'x', content }], 'none')
}

const ownOf = (image: TestImage): Digest => image.manifests[0]?.digest as Digest

const layersOf = (image: TestImage): string[] =>
  [...image.blobs.values()]
    .map(({ descriptor }) => descriptor)
    .filter(({ mediaType }) => mediaType.includes('layer'))
    .map(({ digest }) => `blobs/sha256/${digestParts(digest).hex}`)

/** Which of the image's layers came in each load. */
const broughtBy = ({ loads }: FakeEngine, image: TestImage): number[][] =>
  loads.map(blobs => layersOf(image).flatMap((layer, at) => (blobs.includes(layer) ? [at] : [])))

/** Makes the engine have what the latest load brought: the whole image with its root, else the own part. */
function keep(engine: FakeEngine, image: TestImage): void {
  const blobs = engine.loads.at(-1) ?? []
  const isRoot = blobs.includes(`blobs/sha256/${digestParts(image.root.digest).hex}`)
  const id = isRoot ? image.root.digest : ownOf(image)
  const manifests = image.manifests.map(({ digest }) => ({ digest, available: true }))
  engine.held.set(id, engineImage({ id, manifests }))
}

it("brings a large image in two parts, the engine's own platform first, and leaves one image", async () => {
  const image = await largeImage()
  const engine = fakeEngine('containerd', () => keep(engine, image))
  const { request } = await requestOf(engine, image)
  const { sent } = await loadWhole(request)
  expect(broughtBy(engine, image)).toEqual([[0], [1]])
  expect(sent).toMatchObject({ blobs: 9 }) // The own manifest and its config go twice.
  expect(engine.removed).toEqual([ownOf(image)])
  expect([...engine.held.keys()]).toEqual([image.root.digest])
  expect(engine.tagged).toEqual(['x:1'])
})

it('brings all by the rest when the own part fails', async () => {
  const image = await largeImage()
  const engine = fakeEngine('containerd', (_, load) => {
    if (load === 1) throw new OrchError('DOCKER_LOAD', 'not now')
    keep(engine, image)
  })
  const { request, told } = await requestOf(engine, image)
  await loadWhole(request)
  expect(broughtBy(engine, image)).toEqual([[0], [0, 1]])
  expect([...engine.held.keys()]).toEqual([image.root.digest])
  expect(told).toEqual([])
})

it('leaves nothing of the own part when the rest fails', async () => {
  const image = await largeImage()
  const engine = fakeEngine('containerd', (_, load) => {
    if (load > 1) throw new OrchError('DOCKER_FULL', 'no space left on device')
    keep(engine, image)
  })
  const { request } = await requestOf(engine, image)
  await expect(loadWhole(request)).rejects.toMatchObject({ code: 'DOCKER_FULL' })
  expect([...engine.held.keys()]).toEqual([])
  expect(engine.tagged).toEqual([])
})

it('takes no image away that was there before', async () => {
  const image = await largeImage()
  const engine = fakeEngine('containerd', () => keep(engine, image))
  // Someone has that platform alone; its layers are known to nobody.
  engine.held.set(ownOf(image), engineImage({ id: ownOf(image) }))
  const { request } = await requestOf(engine, image)
  await loadWhole(request)
  expect(engine.loads).toHaveLength(1)
  expect(engine.removed).toEqual([])
  expect(engine.held.has(ownOf(image))).toBe(true)
})

it('takes no image away that another load of the run brings', async () => {
  const image = await largeImage()
  const engine = fakeEngine('containerd', () => keep(engine, image))
  const { request } = await requestOf(engine, image)
  request.underway.roots.add(ownOf(image))
  await loadWhole(request)
  expect(engine.loads).toHaveLength(2)
  expect(engine.held.has(ownOf(image))).toBe(true)
})

it('brings it in one where calls are few', async () => {
  const image = await largeImage()
  const engine = { ...fakeEngine('containerd', () => keep(engine, image)), atOnce: 4 }
  const { request } = await requestOf(engine, image)
  await loadWhole(request)
  expect(engine.loads).toHaveLength(1)
})
