import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { imagePlan, plugin, testOrch } from '../../../packages/core/src/test-plugin.ts'
import { Scripted } from './engine/scripted.ts'
import { docker } from './index.ts'

let scripted: Scripted

beforeAll(async () => {
  scripted = await Scripted.begin()
})
afterAll(() => scripted.end())

it('asks an engine what it is while images are built, and does not wait for it when none is', async () => {
  const asked = Promise.withResolvers<string>()
  const left = Promise.withResolvers<void>()
  // Whoever is asked so, and says nothing, is waited for ten seconds.
  const path = await scripted.engine('silent', {
    'GET /version': ({ socket }) => {
      socket.once('close', () => left.resolve())
      asked.resolve('asked')
    },
  })
  const failing = plugin('failing', ({ hooks }) => {
    hooks.compile.tapPromise('failing', async () => {
      throw new Error(await Promise.race([asked.promise, delay(5_000, 'not asked')]))
    })
  })
  const exports = [{ exporter: 'docker', options: { host: `unix://${path}` } }]
  const plan = { root: '/', images: [imagePlan({ platforms: ['linux/amd64'] })], exports }
  const built = async (): Promise<string[]> => {
    await using orch = await testOrch([docker(), failing])
    const { errors, images } = await orch.build(plan)
    return [...errors, ...images.flatMap(image => image.errors)].map(({ message }) => message)
  }
  const ended = built().then(async said => {
    await left.promise
    return said
  })
  expect(await Promise.race([ended, delay(7_000, 'it still waits')])).toEqual([
    'plugin failing, hook compile, app linux/amd64: asked',
  ])
})
