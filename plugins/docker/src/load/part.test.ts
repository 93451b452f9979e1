import { expect, it } from 'vitest'
import { testImage } from '../../../../packages/oci/src/graph/test-image.ts'
import { engineImage, fakeEngine, requestOf } from './fake-engine.ts'
import { loadWhole } from './whole.ts'

it.each([
  ['no space left on device', 'DOCKER_FULL'],
  ['invalid tar header', 'DOCKER_LOAD'],
])('takes an unpacking that failed for no load: %s', async (why, code) => {
  const image = await testImage()
  const words = `Error unpacking image x: ${why}`
  const engine = fakeEngine('containerd', () => {
    const manifests = image.manifests.map(({ digest }) => ({ digest, available: true }))
    engine.held.set(image.root.digest, engineImage({ id: image.root.digest, manifests }))
  })
  const loadPlainly = engine.load
  engine.load = async (archive, options) => {
    await loadPlainly(archive, options)
    options.onMessage({ kind: 'said', text: words })
  }
  const { request } = await requestOf(engine, image)
  await expect(loadWhole(request)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
    hint: expect.any(String),
  })
  expect(engine.tagged).toEqual([])
  expect([...engine.held.keys()]).toEqual([])
})
