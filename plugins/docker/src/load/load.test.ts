import { encodeIndex, imageConfigIn, mediaTypes, parsePlatform, readBlob } from '@orch/oci'
import { expect, it } from 'vitest'
import {
  rootedAt,
  type TestImage,
  testImage,
} from '../../../../packages/oci/src/graph/test-image.ts'
import type { EngineImage } from '../engine/types.ts'
import type { Wanted } from '../options.ts'
import { engineImage, type FakeEngine, fakeEngine, requestOf } from './fake-engine.ts'
import { load } from './load.ts'

/** A graph driver that has every platform of the image after a load. */
async function engineOf(image: TestImage): Promise<FakeEngine> {
  const engine = fakeEngine('graph-driver', () => {})
  const there: EngineImage[] = []
  for (const blob of image.blobs.values()) {
    if (!blob.descriptor.mediaType.includes('config')) continue
    const { os, architecture, rootfs } = imageConfigIn(await readBlob(blob), 'a config') ?? {}
    const platform = parsePlatform(`${os}/${architecture}`)
    const diffIds = rootfs?.diff_ids ?? []
    there.push(engineImage({ id: blob.descriptor.digest, diffIds, platform }))
  }
  const loadPlainly = engine.load
  engine.load = async (archive, options) => {
    await loadPlainly(archive, options)
    for (const one of there) engine.held.set(one.id, one)
  }
  return engine
}

it.each<[string, Wanted | undefined, readonly string[]]>([
  [
    'nothing',
    undefined,
    [
      'without linux/arm64: the engine keeps one platform a name; platforms=all gives each a name',
      'without windows/amd64: the engine runs linux alone',
    ],
  ],
  ['platforms=all', 'all', ['without windows/amd64: the engine runs linux alone']],
  ['platforms=native', 'native', []],
  ['a list', [parsePlatform('linux/arm64')], []],
])('says which platforms stay out, unless that was said: by %s', async (_, platforms, expected) => {
  const image = await testImage(['linux/amd64', 'linux/arm64', 'windows/amd64'])
  const { request, told } = await requestOf(await engineOf(image), image)
  await load({ ...request, platforms })
  expect(told.filter(message => message.startsWith('without'))).toEqual(expected)
})

it('says so when an image is for another platform than its index lists', async () => {
  const image = await testImage(['linux/arm64'])
  const platform = parsePlatform('linux/amd64')
  const manifests = image.manifests.map(manifest => ({ ...manifest, platform }))
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
  const lying = rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image)
  const engine = await engineOf(image)
  const { request } = await requestOf(engine, lying)
  await expect(load(request)).rejects.toMatchObject({
    code: 'DOCKER_LOAD',
    message: expect.stringMatching(/it is listed for linux\/amd64, and its config says arm64$/),
  })
  expect(engine.loads).toEqual([])
})
