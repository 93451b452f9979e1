import { expect, it } from 'vitest'
import { blobOf, push, stored } from './test-push.ts'
import { bodyOf, testRegistry } from './test-registry.ts'

it.each([201, 202, 204])('chunks are taken when the registry answers %i', async status => {
  await using registry = await testRegistry(
    async ({ method, request, url, registry, answer }) => {
      if (method !== 'PATCH') return false
      const id = /uploads\/(\w+)/.exec(url)?.[1] ?? ''
      const held = registry.uploads.get(id) ?? Buffer.alloc(0)
      registry.uploads.set(id, Buffer.concat([held, await bodyOf(request)]))
      answer(status, { location: url })
      return true
    },
    { chunkBytes: 1000 },
  )
  const { blob, bytes } = blobOf(2500)
  expect(await push(registry, blob)).toBe('sent')
  expect(bytes.equals(stored(registry, blob))).toBe(true)
  expect(registry.log.filter(one => one.startsWith('POST'))).toHaveLength(1)
  expect(registry.log.filter(one => one.startsWith('PATCH'))).toHaveLength(3)
})
