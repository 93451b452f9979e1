import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Digest,
  digestOf,
  encodeImageConfig,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  OrchError,
  parsePlatform,
  Turns,
} from '@orch/oci'
import { expect, it } from 'vitest'
import {
  rootedAt,
  type TestImage,
  testImage,
} from '../../../../packages/oci/src/graph/test-image.ts'
import type { EngineImage, ImageStore } from '../engine/types.ts'
import { engineImage, type FakeEngine, fakeEngine, requestOf } from './fake-engine.ts'
import { load } from './load.ts'
import { Underway } from './underway.ts'

const platform = parsePlatform('linux/amd64')

/** An image of the layers, and what an engine says of it that has it. */
interface Sample {
  readonly image: TestImage
  readonly there: EngineImage
}

/** Images that have the first of the layers in common. */
async function samples(store: ImageStore, names: readonly string[]): Promise<readonly Sample[]> {
  const parts = await testImage(['linux/amd64'])
  const json = { schemaVersion: 2 } as const
  return names.map(name => {
    const contents = ['shared', name].map(text => Buffer.from(text))
    const layers = contents.map(bytes => parts.keep(bytes, mediaTypes.layer))
    const diffIds = contents.map(bytes => digestOf(bytes))
    const rootfs = { type: 'layers', diff_ids: diffIds } as const
    const config = parts.keep(encodeImageConfig({ ...platform, rootfs }), mediaTypes.config)
    const bytes = encodeManifest({ ...json, mediaType: mediaTypes.manifest, config, layers })
    const manifest = parts.keep(bytes, mediaTypes.manifest, { platform })
    const index = { ...json, mediaType: mediaTypes.index, manifests: [manifest] }
    const root = parts.keep(encodeIndex(index), mediaTypes.index)
    const id = store === 'containerd' ? root.digest : config.digest
    const told = { digest: manifest.digest, available: true }
    const manifests = store === 'containerd' ? [told] : []
    return {
      image: rootedAt(root, { ...parts, manifests: [manifest] }),
      there: engineImage({ id, diffIds, platform, manifests }),
    }
  })
}

const shared = `blobs/sha256/${digestOf(Buffer.from('shared')).slice('sha256:'.length)}`
const stores = ['containerd', 'graph-driver'] as const

/** Loads all images at once, each under its name, as a run does. */
async function loadAll(
  engine: FakeEngine,
  images: readonly Sample[],
): Promise<PromiseSettledResult<unknown>[]> {
  const underway = new Underway()
  const requests = await Promise.all(images.map(({ image }) => requestOf(engine, image)))
  return await Promise.allSettled(
    requests.map(({ request }, at) => load({ ...request, underway, names: [`x${at}:1`] })),
  )
}

/** Which of the images a load brings: the one whose own blobs are in it. */
const of = (images: readonly Sample[], blobs: readonly string[]): Sample | undefined =>
  images.find(({ there }) => {
    const own = there.diffIds.at(-1) as Digest
    return blobs.includes(`blobs/sha256/${own.slice('sha256:'.length)}`)
  })

it.each(stores)('brings a layer once that images share: %s', async store => {
  const images = await samples(store, ['a', 'b', 'c'])
  const engine = fakeEngine(store, (_, load) => {
    const sent = of(images, engine.loads[load - 1] ?? [])
    if (sent !== undefined) engine.held.set(sent.there.id, sent.there)
  })
  const ends = await loadAll(engine, images)
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  expect(engine.loads).toHaveLength(3)
  expect(engine.loads.flat().filter(path => path === shared)).toHaveLength(1)
  expect(engine.tagged.toSorted()).toEqual(['x0:1', 'x1:1', 'x2:1'])
})

it.each(stores)('brings it by another when a load fails: %s', async store => {
  const images = await samples(store, ['a', 'b', 'c'])
  const [first] = images
  const engine = fakeEngine(store, (_, load) => {
    const sent = of(images, engine.loads[load - 1] ?? [])
    if (sent === first || sent === undefined) throw new OrchError('DOCKER_LOAD', 'not this one')
    expect(engine.loads[load - 1]).toContain(shared)
    engine.held.set(sent.there.id, sent.there)
  })
  const ends = await loadAll(engine, images)
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(engine.loads).toHaveLength(3)
  expect(engine.tagged.toSorted()).toEqual(['x1:1', 'x2:1'])
})

it.each(stores)('sends all of an image when what another brought is gone: %s', async store => {
  const images = await samples(store, ['a', 'b'])
  const engine = fakeEngine(store, (_, load) => {
    const blobs = engine.loads[load - 1] ?? []
    const sent = of(images, blobs)
    if (!blobs.includes(shared)) throw new OrchError('DOCKER_LOAD', 'no such layer')
    if (sent !== undefined) engine.held.set(sent.there.id, sent.there)
  })
  const ends = await loadAll(engine, images)
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
  expect(engine.loads.map(blobs => blobs.includes(shared))).toEqual([true, false, true])
})

it('goes on as soon as a graph driver has what is shared', async () => {
  const images = await samples('graph-driver', ['a', 'b'])
  const engine = fakeEngine('graph-driver', () => {})
  const second = Promise.withResolvers<void>()
  const loadPlainly = engine.load
  engine.load = async (archive, options) => {
    await loadPlainly(archive, options)
    const sent = of(images, engine.loads.at(-1) ?? [])
    if (sent === images[0]) {
      for (const diffId of sent?.there.diffIds ?? []) {
        const id = diffId.slice('sha256:'.length, 'sha256:'.length + 12)
        options.onMessage({ kind: 'progress', id, current: 1, total: 1 })
      }
      await second.promise
    } else second.resolve()
    if (sent !== undefined) engine.held.set(sent.there.id, sent.there)
  }
  const ends = await loadAll(engine, images)
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
})

it.each(stores)('takes no call before its turn, of which there may be few: %s', async store => {
  const images = await samples(store, ['a', 'b', 'c'])
  const engine = fakeEngine(store, (_, load) => {
    const sent = of(images, engine.loads[load - 1] ?? [])
    if (sent !== undefined) engine.held.set(sent.there.id, sent.there)
  })
  const loadPlainly = engine.load
  const calls = new Turns<string>()
  engine.load = (archive, options) =>
    calls.take('the only one', () => loadPlainly(archive, options))
  const ends = await loadAll(engine, images)
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
})

it.each(stores)('sends nothing twice to an engine that takes nothing: %s', async store => {
  const images = await samples(store, ['a', 'b', 'c'])
  const engine = fakeEngine(store, () => {
    throw new OrchError('DOCKER_LOAD', 'no')
  })
  const ends = await loadAll(engine, images)
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(engine.loads).toHaveLength(3)
})

it.each(stores)('loads few images at once: %s', async store => {
  const images = await samples(store, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  const engine = fakeEngine(store, (_, load) => {
    const sent = of(images, engine.loads[load - 1] ?? [])
    if (sent !== undefined) engine.held.set(sent.there.id, sent.there)
  })
  const loadPlainly = engine.load
  let now = 0
  let most = 0
  engine.load = async (archive, options) => {
    most = Math.max(most, ++now)
    await loadPlainly(archive, options)
    await delay(10)
    now -= 1
  }
  const ends = await loadAll(engine, images)
  expect(ends.every(({ status }) => status === 'fulfilled')).toBe(true)
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
})

it.each(stores)('begins when the other has sent what it brings: %s', async store => {
  const images = await samples(store, ['a', 'b'])
  const engine = fakeEngine(store, (_, load) => {
    const sent = of(images, engine.loads[load - 1] ?? [])
    if (sent !== undefined) engine.held.set(sent.there.id, sent.there)
  })
  const steps: string[] = []
  for (const [at, { image, there }] of images.entries()) {
    const own = image.blobs.get(there.diffIds.at(-1) as Digest)
    if (own === undefined) expect.fail('no layer')
    const slowly = async function* (): AsyncGenerator<Uint8Array> {
      steps.push(`x${at}:1 begins`)
      await delay(50)
      yield* own.open()
      steps.push(`x${at}:1 is read`)
    }
    image.blobs.set(own.descriptor.digest, { ...own, open: () => Readable.from(slowly()) })
  }
  await loadAll(engine, images)
  expect(steps).toEqual(['x0:1 begins', 'x0:1 is read', 'x1:1 begins', 'x1:1 is read'])
})

it('waits for no other when the engine has what they share: containerd', async () => {
  const [before, ...images] = await samples('containerd', ['c', 'a', 'b'])
  if (before === undefined) expect.fail('no image')
  const engine = fakeEngine('containerd', (_, load) => {
    const sent = of([before, ...images], engine.loads[load - 1] ?? [])
    if (sent !== undefined) engine.held.set(sent.there.id, sent.there)
  })
  // By this cache it is known what the image before consists of.
  const { request } = await requestOf(engine, before.image)
  await load(request)
  const lengths: (number | undefined)[] = []
  const loadPlainly = engine.load
  engine.load = (archive, options) => {
    lengths.push(options.length)
    return loadPlainly(archive, options)
  }
  await Promise.all(
    images.map(({ image }, at) =>
      load({ ...request, image: { ...request.image, ...image }, names: [`x${at}:1`] }),
    ),
  )
  expect(engine.loads.map(blobs => blobs.includes(shared))).toEqual([true, false, false])
  // One that waits does not know yet what it sends.
  expect(lengths).toEqual([expect.any(Number), expect.any(Number)])
})
