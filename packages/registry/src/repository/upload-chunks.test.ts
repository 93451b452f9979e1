import { beforeEach, describe, expect, it, vi } from 'vitest'
import { blobOf, MiB, push, stored } from './test-push.ts'
import { bodyOf, testRegistry } from './test-registry.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

describe('chunks', () => {
  it('are sent when asked for, no smaller than the registry wants', async () => {
    const ranges: (string | undefined)[] = []
    await using registry = await testRegistry(
      ({ method, request, response }) => {
        if (method === 'PATCH') ranges.push(request.headers['content-range'])
        if (method === 'POST') response.setHeader('oci-chunk-min-length', 1000)
        return false
      },
      { chunkBytes: 100 },
    )
    const { blob, bytes } = blobOf(2500)
    expect(await push(registry, blob)).toBe('sent')
    expect(ranges).toEqual(['0-999', '1000-1999', '2000-2499'])
    expect(bytes.equals(stored(registry, blob))).toBe(true)
  })

  it('are made smaller until a proxy takes them', async () => {
    const most = MiB
    await using registry = await testRegistry(({ request, answer }) => {
      if (Number(request.headers['content-length'] ?? 0) <= most) return false
      request.resume()
      answer(413, {}, '<html>too large</html>')
      return true
    })
    const { blob, bytes } = blobOf(6 * MiB)
    expect(await push(registry, blob)).toBe('sent')
    expect(bytes.equals(stored(registry, blob))).toBe(true)
    expect(registry.uploads.size).toBe(0)
  })

  it('are given up where later ones are discarded (ECR answers PATCH with 201)', async () => {
    await using registry = await testRegistry(
      async ({ method, request, url, registry, answer }) => {
        if (method !== 'PATCH') return false
        const id = /uploads\/(\w+)/.exec(url)?.[1] ?? ''
        const body = await bodyOf(request)
        if (registry.uploads.get(id)?.byteLength === 0) registry.uploads.set(id, body)
        answer(201, { location: url })
        return true
      },
      { chunkBytes: 1000 },
    )
    const { blob, bytes } = blobOf(2500)
    expect(await push(registry, blob)).toBe('sent')
    expect(bytes.equals(stored(registry, blob))).toBe(true)
  })

  it('go on where the registry says when it has another number of bytes (416)', async () => {
    await using registry = await testRegistry(
      ({ method, before, url, registry }) => {
        const id = /uploads\/(\w+)/.exec(url)?.[1] ?? ''
        const held = registry.uploads.get(id)
        if (method === 'PATCH' && before === 1 && held !== undefined)
          registry.uploads.set(id, held.subarray(0, 700)) // it lost some
        return false
      },
      { chunkBytes: 1000 },
    )
    const { blob, bytes } = blobOf(2500)
    expect(await push(registry, blob)).toBe('sent')
    expect(bytes.equals(stored(registry, blob))).toBe(true)
    expect(registry.log).toContain('GET upload')
  })
})
