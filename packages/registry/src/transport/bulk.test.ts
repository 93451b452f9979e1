import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { certificates, dockerConfig, entry, get, serve, textOf, transport } from '../testing.ts'
import { BulkBody } from './bulk.ts'
import type { RegistryResponse } from './types.ts'

const bytes = randomBytes(3_000_000)

// Without chance the waits between retries are none.
beforeEach(() => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  return () => random.mockRestore()
})

const bulk = (host: string) => get(host, { isBulk: true })

function filling({ body }: RegistryResponse): BulkBody {
  if (body instanceof BulkBody) return body
  throw new Error('the answer did not come in bulk')
}

/** Sends bytes in pieces of these sizes, in turn, with a rest after each. */
async function trickle(response: ServerResponse, sizes: readonly number[]): Promise<void> {
  response.writeHead(200, { 'content-length': bytes.byteLength })
  for (let at = 0, turn = 0; at < bytes.byteLength; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    if (!response.write(bytes.subarray(at, at + size))) await once(response, 'drain')
    else await sleep(1)
    at += size
  }
  response.end()
}

/** Reads a body into memory of these sizes, in turn. */
async function read(body: BulkBody, sizes: readonly number[]): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let turn = 0; ; turn++) {
    const memory = Buffer.alloc(sizes[turn % sizes.length] ?? 1)
    const length = await body.fill(memory)
    if (length === 0) return Buffer.concat(parts)
    parts.push(memory.subarray(0, length))
  }
}

describe('a body in bulk', () => {
  it.each([
    ['large in large', [1_000_000], [1_000_000], false],
    ['large in small', [bytes.byteLength], [7000, 1, 65_536], false],
    ['small in large', [20_000, 1, 300_000], [1_000_000], false],
    ['of any size in any size', [300_000, 5], [1, 200_000, 90_000], false],
    ['over TLS, large in large', [1_000_000], [1_000_000], true],
    ['over TLS, large in small', [bytes.byteLength], [7000, 1, 65_536], true],
    ['over TLS, of any size in any size', [300_000, 5], [1, 200_000, 90_000], true],
  ])('comes as it was sent: %s', async (_, sent, taken, isTls) => {
    const tls = isTls ? { tls: certificates().server } : {}
    const registry = await serve((_, response) => trickle(response, sent), tls)
    const hosts = { [registry.host]: { skipVerify: isTls } }
    const body = filling(await transport({ hosts }).request(bulk(registry.host)))
    expect((await read(body, taken)).equals(bytes)).toBe(true)
    body.destroy()
    expect(registry.seen).toHaveLength(1)
  })

  it('can be read as a stream', async () => {
    const registry = await serve((_, response) => trickle(response, [100_000]))
    const { body } = await transport().request(bulk(registry.host))
    expect(Buffer.concat(await body.toArray()).equals(bytes)).toBe(true)
  })

  it('that breaks off gives what came, and then the error', async () => {
    const registry = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.byteLength })
      response.write(bytes.subarray(0, 1000), () => response.destroy())
    })
    const body = filling(await transport().request(bulk(registry.host)))
    const memory = Buffer.alloc(5000)
    expect(await body.fill(memory)).toBe(1000)
    await expect(body.fill(memory)).rejects.toThrow()
    body.destroy()
  })

  it('that is given up while nothing comes ends at once, and its connection', async () => {
    const closed = Promise.withResolvers<void>()
    const registry = await serve((_, response) => {
      response.on('close', closed.resolve)
      response.writeHead(200, { 'content-length': bytes.byteLength })
      response.write('x')
    })
    const controller = new AbortController()
    const request = { ...bulk(registry.host), signal: controller.signal }
    const body = filling(await transport().request(request))
    const filled = body.fill(Buffer.alloc(2000))
    setTimeout(() => controller.abort(new Error('enough')), 20)
    expect(await filled).toBe(1)
    await expect(body.fill(Buffer.alloc(10))).rejects.toThrow('enough')
    await closed.promise
  })

  it('gives its slot back when it is let go of', async () => {
    const registry = await serve((_, response) => trickle(response, [50_000]))
    const client = transport({ hosts: { [registry.host]: { concurrency: 1 } } })
    for (let round = 0; round < 3; round++) {
      const body = filling(await client.request(bulk(registry.host)))
      await body.fill(Buffer.alloc(10))
      body.destroy()
    }
  })
})

describe('an answer that cannot come in bulk', () => {
  it('is asked for in the usual way, and those after it at once', async () => {
    const registry = await serve((_, response) => {
      response.write('con') // in chunks, without a length
      response.end('tent')
    })
    const client = transport()
    for (const asked of [2, 3, 4]) {
      expect(await textOf(await client.request(bulk(registry.host)))).toBe('content')
      expect(registry.seen).toHaveLength(asked)
    }
  })

  it('has no head of more than 16 KiB', async () => {
    const registry = await serve((_, response) =>
      response.writeHead(200, { 'content-length': 7, x: 'y'.repeat(20_000) }).end('content'),
    )
    await expect(transport().request(bulk(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
    })
  })

  it('is an error with its words', async () => {
    const registry = await serve((_, response) => {
      const text = '{"errors":[{"code":"DENIED","message":"not for you"}]}'
      response.writeHead(403, { 'content-length': text.length }).end(text)
    })
    await expect(transport().request(bulk(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining('not for you'),
    })
    expect(registry.seen).toHaveLength(1)
  })

  it('is waited for when the registry is in trouble', async () => {
    let count = 0
    const registry = await serve((_, response) => {
      if (++count < 3) response.writeHead(503, { 'content-length': 0 }).end()
      else trickle(response, [1_000_000])
    })
    const body = filling(await transport().request(bulk(registry.host)))
    expect((await read(body, [1_000_000])).equals(bytes)).toBe(true)
  })

  it('is refused when the certificate is not trusted', async () => {
    const { server: tls } = certificates()
    const registry = await serve((_, response) => response.end('content'), { tls })
    await expect(transport().request(bulk(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_TLS',
    })
    expect(registry.seen).toEqual([])
  })

  it('comes from where it is redirected, without the password', async () => {
    const store = await serve((_, response) => trickle(response, [1_000_000]))
    const registry = await serve(({ authorization }, response) => {
      if (authorization === undefined)
        response
          .writeHead(401, { 'www-authenticate': 'Basic realm="x"', 'content-length': 0 })
          .end()
      else response.writeHead(307, { location: `${store.url}/there`, 'content-length': 0 }).end()
    })

    const hosts = { [store.host]: {} }
    const client = transport({ hosts })
    await expect(client.request(bulk(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    })

    const login = dockerConfig({ auths: { [registry.host]: entry('me', 'secret') } })
    const known = transport({ env: { DOCKER_CONFIG: login }, hosts })
    const answer = await known.request(bulk(registry.host))
    expect(answer.url).toBe(`${store.url}/there`)
    expect((await read(filling(answer), [1_000_000])).equals(bytes)).toBe(true)
    expect(store.seen.map(({ authorization }) => authorization)).toEqual([undefined])
  })
})
