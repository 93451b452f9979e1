import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '@orch/oci'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { blobOf, MiB, push, stored } from './test-push.ts'
import { bodyOf, errorBody, type Quirk, testRegistry } from './test-registry.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

/** Cuts the connection of a request when so many bytes of its body came. */
const cut: (after: number) => Quirk =
  after =>
  ({ request, response, registry, url }) => {
    const id = /uploads\/(\w+)/.exec(url)?.[1] ?? ''
    const parts = [registry.uploads.get(id) ?? Buffer.alloc(0)]
    let left = after
    request.on('data', (chunk: Buffer) => {
      if (left === 0) return
      parts.push(chunk.subarray(0, left))
      left -= Math.min(left, chunk.byteLength)
      if (left > 0) return
      registry.uploads.set(id, Buffer.concat(parts))
      response.destroy()
    })
    return true
  }

describe('an upload that breaks off', () => {
  it('goes on where the registry is', async () => {
    await using registry = await testRegistry(exchange => {
      const isFirst = exchange.method === 'PUT' && exchange.before === 0
      return isFirst ? cut(5 * MiB)(exchange) : false
    })
    const { blob, bytes } = blobOf(8 * MiB)
    expect(await push(registry, blob)).toBe('sent')
    expect(bytes.equals(stored(registry, blob))).toBe(true)
    expect(registry.log.slice(2)).toEqual([
      'PUT upload',
      'GET upload',
      'PATCH upload',
      'PUT upload',
    ])
  })

  it('goes on after many drops as long as there is progress', async () => {
    await using registry = await testRegistry(exchange =>
      Number(exchange.request.headers['content-length'] ?? 0) > MiB ? cut(MiB)(exchange) : false,
    )
    const { blob, bytes } = blobOf(14 * MiB)
    expect(await push(registry, blob)).toBe('sent')
    expect(bytes.equals(stored(registry, blob))).toBe(true)
  })

  it('begins anew where the registry cannot go on, and ends what it had begun', async () => {
    await using registry = await testRegistry(exchange => {
      const { method, before, answer } = exchange
      if (method === 'PUT' && before === 0) return cut(MiB)(exchange)
      if (method !== 'GET' && method !== 'PATCH') return false
      answer(405, {}, errorBody('UNSUPPORTED'))
      return true
    })
    const { blob } = blobOf(2 * MiB)
    expect(await push(registry, blob)).toBe('sent')
    expect(registry.log.slice(2)).toEqual([
      'PUT upload',
      'GET upload',
      'HEAD blob',
      'DELETE upload',
      'POST start',
      'PUT upload',
    ])
    expect(registry.uploads.size).toBe(0)
  })

  it('sends the whole again where chunks are refused though the registry says how much it has (GAR)', async () => {
    await using registry = await testRegistry(exchange => {
      const { method, before, answer } = exchange
      if (method === 'PUT' && before === 0) return cut(MiB)(exchange)
      if (method === 'PATCH') answer(405, {}, errorBody('UNSUPPORTED'))
      return method === 'PATCH'
    })
    const { blob, bytes } = blobOf(2 * MiB)
    expect(await push(registry, blob)).toBe('sent')
    expect(bytes.equals(stored(registry, blob))).toBe(true)
  })

  it('sees that the blob is there when only the answer was lost', async () => {
    await using registry = await testRegistry(
      ({ method, before, request, response, url, registry }) => {
        if (method !== 'PUT' || before > 0) return false
        request.resume().on('end', () => {
          const digest = new URL(url, 'http://x').searchParams.get('digest')
          registry.blobs.set(`team/api@${digest}`, Buffer.alloc(1000))
          registry.uploads.clear()
          response.destroy()
        })
        return true
      },
    )
    const { blob } = blobOf(1000)
    expect(await push(registry, blob)).toBe('sent')
    expect(registry.log.slice(2)).toEqual(['PUT upload', 'GET upload', 'HEAD blob'])
  })

  it('fails in the end when it breaks off again and again, and ends the session', async () => {
    await using registry = await testRegistry(({ method, response, request }) => {
      if (method !== 'PUT' && method !== 'PATCH') return false
      request.once('data', () => response.destroy())
      return true
    })
    const { blob } = blobOf(MiB)
    await expect(push(registry, blob)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(registry.log.at(-1)).toBe('DELETE upload')
    expect(registry.uploads.size).toBe(0)
    expect(registry.blobs.size).toBe(0)
  })

  it('ends at once when it is aborted, and ends the session', async () => {
    const controller = new AbortController()
    await using registry = await testRegistry(({ method, request }) => {
      if (method === 'PUT') request.once('data', () => controller.abort(new Error('enough')))
      return method === 'PUT'
    })
    const { blob } = blobOf(MiB)
    const repository = registry.client.repository(registry.host, 'team/api')
    await expect(repository.push(blob, { signal: controller.signal })).rejects.toThrow('enough')
    expect(registry.log.at(-1)).toBe('DELETE upload')
    expect(registry.uploads.size).toBe(0)
  })

  it('goes on though its own source is slow when the connection drops', async () => {
    const { blob, bytes } = blobOf(1000)
    let opened = 0
    await using registry = await testRegistry(({ method, before, request, response }) => {
      if (method !== 'PUT' || before > 0) return false
      request.once('data', () => response.destroy())
      return true
    })
    const slow = async function* () {
      yield bytes.subarray(0, 500)
      if (opened === 1) await sleep(10_000)
      yield bytes.subarray(500)
    }
    const source = (): Readable => {
      opened++
      return Readable.from(slow(), { objectMode: false })
    }
    expect(await push(registry, { ...blob, open: source })).toBe('sent')
    expect(opened).toBe(2)
  })

  it('says so when the blob itself cannot be read, without trying again', async () => {
    await using registry = await testRegistry()
    const { blob } = blobOf(1000)
    const open = (): Readable =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(10)
          await sleep(1)
          throw new Error('the disk is gone')
        })(),
        { objectMode: false },
      )
    await expect(push(registry, { ...blob, open })).rejects.toThrow('the disk is gone')
    expect(registry.log.filter(entry => entry === 'POST start')).toHaveLength(1)
  })
})

describe('what a registry says of an upload', () => {
  it('is used once: each step goes where the one before said (GCR), its state untouched', async () => {
    let step = 0
    const valid = (): string => `?_state=a%2Fb+c==&x='(~)|%7e&n=${step}`
    await using registry = await testRegistry(
      async ({ method, url, request, registry, answer }) => {
        if (!url.includes('/blobs/uploads/')) return false
        const place = '/v2/team/api/blobs/uploads/1'
        if (method === 'POST') {
          registry.uploads.set('1', Buffer.alloc(0))
          answer(202, { location: `${place}${valid()}` })
          return true
        }
        const body = await bodyOf(request)
        const [digestless, digest] = url.split('&digest=')
        if (digestless !== `${place}${valid()}`) {
          answer(404, {}, errorBody('BLOB_UPLOAD_UNKNOWN'))
          return true
        }
        step++
        const held = Buffer.concat([registry.uploads.get('1') ?? Buffer.alloc(0), body])
        registry.uploads.set('1', held)
        if (method === 'PATCH') answer(202, { location: `${place}${valid()}` })
        else if (decodeURIComponent(digest ?? '') !== digestOf(held)) answer(400)
        else {
          registry.blobs.set(`team/api@${digestOf(held)}`, held)
          answer(201)
        }
        return true
      },
      { chunkBytes: 1000 },
    )
    const { blob } = blobOf(2500)
    expect(await push(registry, blob)).toBe('sent')
    expect(registry.log.filter(entry => entry === 'POST start')).toHaveLength(1)
    expect(registry.blobs.size).toBe(1)
  })

  it('that it refused the digest is believed after a look at the blob', async () => {
    await using registry = await testRegistry(({ method, request, answer }) => {
      if (method !== 'PUT') return false
      request.resume()
      answer(400, {}, errorBody('DIGEST_INVALID'))
      return true
    })
    const { blob } = blobOf(1000)
    await expect(push(registry, blob)).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringContaining('DIGEST_INVALID'),
    })
    const damaged = { ...blob, open: blobOf(1000).blob.open }
    await expect(push(registry, damaged)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('is no reason for patience when it will not begin one', async () => {
    await using registry = await testRegistry(({ method, answer }) => {
      if (method === 'POST') answer(404, {}, errorBody('NAME_UNKNOWN'))
      return method === 'POST'
    })
    await expect(push(registry, blobOf(10).blob)).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringMatching(
        /^upload to .*\/team\/api: the registry answered 404: "NAME_UNKNOWN/,
      ),
    })
    expect(registry.log).toEqual(['HEAD blob', 'POST start'])
  })
})
