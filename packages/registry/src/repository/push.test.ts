import { Readable } from 'node:stream'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { blobOf, MiB, push, stored } from './test-push.ts'
import { testRegistry } from './test-registry.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

describe('a push', () => {
  it('sends a blob in one request, and a blob that is there not at all', async () => {
    await using registry = await testRegistry()
    const { blob, bytes } = blobOf(3 * MiB)
    const heard: number[] = []
    const repository = registry.client.repository(registry.host, 'team/api')
    expect(await repository.push(blob, { progress: sent => heard.push(sent) })).toBe('sent')
    expect(registry.log).toEqual(['HEAD blob', 'POST start', 'PUT upload'])
    expect(bytes.equals(stored(registry, blob))).toBe(true)
    expect(heard.at(-1)).toBe(3 * MiB)
    expect(heard).toEqual(heard.toSorted((a, b) => a - b))
    expect(await repository.push(blob)).toBe('there')
    expect(registry.log).toHaveLength(3)
  })

  it('sends the empty blob', async () => {
    await using registry = await testRegistry()
    const { blob } = blobOf(0)
    expect(await push(registry, blob)).toBe('sent')
    expect(registry.blobs.size).toBe(1)
  })

  it('asks whether a blob is there, and sends one that is there with another size', async () => {
    await using registry = await testRegistry()
    const { blob, bytes } = blobOf(1000)
    const key = `team/api@${blob.descriptor.digest}`
    registry.blobs.set(key, bytes.subarray(1))
    expect(await push(registry, blob)).toBe('sent')
    expect(registry.blobs.get(key)).toEqual(bytes)
  })

  it('sends one blob once to a registry, and mounts it in every other repository', async () => {
    await using registry = await testRegistry()
    const { blob } = blobOf(MiB)
    const paths = ['a/one', 'a/one', 'a/two', 'a/three', 'a/one']
    const outcomes = await Promise.all(paths.map(path => push(registry, blob, path)))
    expect(outcomes).toEqual(['sent', 'there', 'mounted', 'mounted', 'there'])
    expect(registry.log.filter(entry => entry === 'PUT upload')).toHaveLength(1)
  })

  it('lets the second one send it when the first one fails', async () => {
    await using registry = await testRegistry()
    const { blob } = blobOf(1000)
    const broken = { ...blob, open: () => Readable.from([Buffer.from('x')]) }
    const outcomes = await Promise.allSettled([push(registry, broken), push(registry, blob)])
    expect(outcomes[0]).toMatchObject({ reason: { code: 'BLOB_CORRUPT' } })
    expect(outcomes[1]).toMatchObject({ value: 'sent' })
  })

  it('mounts from where the blob came from, of this registry alone, and always says from where', async () => {
    const mounts: string[] = []
    await using registry = await testRegistry(({ url }) => {
      if (url.includes('mount=')) mounts.push(url)
      return false
    })
    const { blob, bytes } = blobOf(1000)
    registry.blobs.set(`base/go@${blob.descriptor.digest}`, bytes)
    const origins = [
      { registry: 'elsewhere.example', repository: 'other/go' },
      { registry: registry.host, repository: 'base/go' },
    ]
    expect(await push(registry, { ...blob, origins })).toBe('mounted')
    const digest = encodeURIComponent(blob.descriptor.digest)
    expect(mounts).toEqual([`/v2/team/api/blobs/uploads/?mount=${digest}&from=base%2Fgo`])
  })

  it('goes on with the upload that a registry begins instead of mounting', async () => {
    await using registry = await testRegistry()
    const { blob } = blobOf(1000)
    const origins = [{ registry: registry.host, repository: 'base/go' }]
    expect(await push(registry, { ...blob, origins })).toBe('sent')
    expect(registry.log).toEqual(['HEAD blob', 'POST mount', 'PUT upload'])
  })

  it.each([400, 403, 404, 405, 500])('sends the blob when a mount ends in %i', async status => {
    await using registry = await testRegistry(({ url, answer }) => {
      if (!url.includes('mount=')) return false
      answer(status)
      return true
    })
    const { blob } = blobOf(1000)
    const origins = [{ registry: registry.host, repository: 'base/go' }]
    expect(await push(registry, { ...blob, origins })).toBe('sent')
    expect(registry.uploads.size).toBe(0)
  })

  it('asks for a token that may pull from where it mounts, its own repository first', async () => {
    await using registry = await testRegistry()
    const { blob } = blobOf(10)
    const scopes: unknown[] = []
    const { registriesOver } = await import('./repository.ts')
    const { testTransport } = await import('./test-transport.ts')
    const transport = testTransport()
    const client = registriesOver({
      ...transport,
      request(request) {
        if (request.target.includes('mount=')) scopes.push(request.scopes)
        return transport.request(request)
      },
    })
    const origins = [{ registry: registry.host, repository: 'base/go' }]
    await client.repository(registry.host, 'team/api').push({ ...blob, origins })
    await client.close()
    expect(scopes).toEqual([
      [
        { repository: 'team/api', actions: ['pull', 'push'] },
        { repository: 'base/go', actions: ['pull'] },
      ],
    ])
  })
})
