import { randomBytes } from 'node:crypto'
import { blobFromBytes, type Descriptor, digestOf, mediaTypes, readBlob } from '@orch/oci'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type Exchange, type Quirk, type TestRegistry, testRegistry } from './test-registry.ts'

const MiB = 1024 * 1024
const otherDigest = digestOf('something else')

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

function keepBlob(registry: TestRegistry, size: number): Descriptor {
  const bytes = randomBytes(size)
  const { descriptor } = blobFromBytes(bytes, mediaTypes.layer)
  registry.blobs.set(`team/api@${descriptor.digest}`, bytes)
  return descriptor
}

const open = (registry: TestRegistry) => registry.client.repository(registry.host, 'team/api')

const pull = (registry: TestRegistry, descriptor: Descriptor, maxBytes = 64 * MiB) =>
  readBlob(open(registry).blob(descriptor), { maxBytes })

/** Sends a part of the blob that was asked for, then ends the connection. */
const cut: (bytes: number) => Quirk =
  bytes =>
  ({ method, request, response, registry, url }) => {
    const content = registry.blobs.get(`team/api@${url.split('/').at(-1)}`)
    if (method !== 'GET' || content === undefined) return false
    const from = Number(/\d+/.exec(request.headers['range'] ?? '')?.[0] ?? 0)
    const range = `bytes ${from}-${content.byteLength - 1}/${content.byteLength}`
    response.writeHead(from === 0 ? 200 : 206, {
      'content-length': content.byteLength - from,
      ...(from === 0 ? {} : { 'content-range': range }),
    })
    response.write(content.subarray(from, from + bytes), () => response.destroy())
    return true
  }

const ranges = (seen: (string | undefined)[]) => (exchange: Exchange) => {
  if (exchange.method === 'GET') seen.push(exchange.request.headers['range'])
}

describe('a blob', () => {
  it('is read from the repository, which it names as its origin', async () => {
    await using registry = await testRegistry()
    const descriptor = keepBlob(registry, 3 * MiB)
    const blob = open(registry).blob(descriptor)
    expect(registry.log).toEqual([])
    expect(blob.origins).toEqual([{ registry: registry.host, repository: 'team/api' }])
    expect(digestOf(await pull(registry, descriptor))).toBe(descriptor.digest)
    expect(await open(registry).has(descriptor.digest)).toBe(true)
    expect(await open(registry).has(otherDigest)).toBe(false)
  })

  it('goes on where it was when the connection breaks off', async () => {
    const seen: (string | undefined)[] = []
    await using registry = await testRegistry(exchange => {
      ranges(seen)(exchange)
      return exchange.before < 3 ? cut(MiB)(exchange) : false
    })
    const descriptor = keepBlob(registry, 4 * MiB)
    expect(digestOf(await pull(registry, descriptor))).toBe(descriptor.digest)
    expect(seen).toEqual([undefined, ...[1, 2, 3].map(at => `bytes=${at * MiB}-`)])
  })

  it.each<[string, (exchange: Exchange, bytes: Buffer) => void]>([
    ['the range is ignored', ({ answer }, bytes) => answer(200, {}, bytes)],
    [
      'another range comes',
      ({ answer }, bytes) => answer(206, { 'content-range': 'bytes 0-99999/100000' }, bytes),
    ],
    [
      'the range is of something with another size',
      ({ answer }, bytes) =>
        answer(206, { 'content-range': 'bytes 1000-1999/2000' }, bytes.subarray(1000, 2000)),
    ],
    ['ranges are refused', ({ answer }) => answer(416)],
  ])('is whole although %s', async (_, answerRange) => {
    await using registry = await testRegistry(exchange => {
      if (exchange.before === 0) return cut(1000)(exchange)
      if (exchange.request.headers['range'] === undefined) return false
      answerRange(exchange, [...registry.blobs.values()][0] ?? Buffer.alloc(0))
      return true
    })
    const descriptor = keepBlob(registry, 100_000)
    expect(digestOf(await pull(registry, descriptor))).toBe(descriptor.digest)
  })

  it('is taken up again when its end comes too early without an error', async () => {
    await using registry = await testRegistry(({ before, response, registry }) => {
      if (before > 0) return false
      const [bytes] = registry.blobs.values()
      response.writeHead(200) // chunked: no length to tell that something is missing
      response.end(bytes?.subarray(0, 5000))
      return true
    })
    const descriptor = keepBlob(registry, 100_000)
    expect(digestOf(await pull(registry, descriptor))).toBe(descriptor.digest)
  })

  it('with another size is refused before it is read', async () => {
    await using registry = await testRegistry(({ answer }) => {
      answer(200, {}, Buffer.alloc(2000))
      return true
    })
    const descriptor = keepBlob(registry, 1000)
    await expect(pull(registry, descriptor)).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining('comes with 2000 bytes, not 1000'),
    })
  })

  it('that does not end is refused when it is too long', async () => {
    await using registry = await testRegistry(({ response }) => {
      response.writeHead(200)
      response.end(Buffer.alloc(2000))
      return true
    })
    const descriptor = keepBlob(registry, 1000)
    await expect(pull(registry, descriptor)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('with other bytes is refused', async () => {
    await using registry = await testRegistry(({ answer }) => {
      answer(200, {}, randomBytes(1000))
      return true
    })
    const descriptor = keepBlob(registry, 1000)
    await expect(pull(registry, descriptor)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('that is not there is missing', async () => {
    await using registry = await testRegistry()
    const descriptor = { mediaType: mediaTypes.layer, digest: otherDigest, size: 10 }
    await expect(pull(registry, descriptor)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
  })

  it('fails in the end when it never comes further', async () => {
    await using registry = await testRegistry(cut(10))
    const descriptor = keepBlob(registry, MiB)
    await expect(pull(registry, descriptor)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(registry.log.length).toBeLessThan(12)
  })

  it('ends at once when it is aborted', async () => {
    const controller = new AbortController()
    await using registry = await testRegistry(({ response }) => {
      response.writeHead(200)
      response.write('x')
      return true
    })
    const descriptor = keepBlob(registry, 1000)
    const stream = open(registry).blob(descriptor).open({ signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 50)
    await expect(stream.toArray()).rejects.toThrow('enough')
  })

  it('lets go of the connection when nobody reads on, though nothing comes', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    await using registry = await testRegistry(({ response }) => {
      response.writeHead(200)
      response.write('x')
      response.on('close', resolve)
      return true
    })
    const stream = open(registry).blob(keepBlob(registry, 1000)).open()
    stream.resume()
    setTimeout(() => stream.destroy(), 50)
    await promise
  })

  it('is read from an offset on', async () => {
    await using registry = await testRegistry()
    const descriptor = keepBlob(registry, 1000)
    const [bytes] = registry.blobs.values()
    const parts = await open(registry).blob(descriptor).open({ offset: 900 }).toArray()
    expect(bytes?.subarray(900).equals(Buffer.concat(parts))).toBe(true)
  })
})
