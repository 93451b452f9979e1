import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { get, serve, textOf, transport } from '../testing.ts'

// Without chance the waits between retries are none.
beforeEach(() => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  return () => random.mockRestore()
})

describe('a registry in trouble', () => {
  it.each([408, 429, 500, 502, 503, 504])('is asked again after %s', async status => {
    let count = 0
    const registry = await serve((_, response) => {
      if (++count < 3) response.writeHead(status).end()
      else response.end('content')
    })
    expect(await textOf(await transport().request(get(registry.host)))).toBe('content')
    expect(count).toBe(3)
  })

  it.each([
    [429, 'REGISTRY_BUSY'],
    [503, 'REGISTRY_BROKEN'],
  ])('that answers %s for ever is %s, with its words', async (status, code) => {
    const registry = await serve((_, response) => {
      response
        .writeHead(status)
        .end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow\\u001b down"}]}')
    })
    const error = await transport()
      .request(get(registry.host))
      .catch(thrown => thrown)
    expect(error).toMatchObject({ code, message: expect.stringContaining('slow\\u001b down') })
    expect(registry.seen).toHaveLength(7)
  })

  it('tells who sends uploads how long it asks to wait', async () => {
    const registry = await serve((_, response) =>
      response.writeHead(503, { 'retry-after': '7' }).end(),
    )
    const put = get(registry.host, { method: 'PUT', isRepeatable: false })
    await expect(transport().request(put)).rejects.toMatchObject({
      code: 'REGISTRY_BROKEN',
      wait: 7000,
    })
    expect(registry.seen).toHaveLength(1)
  })

  it('is not asked to do again what may be done', async () => {
    const registry = await serve((_, response) => response.writeHead(503).end())
    const post = get(registry.host, { method: 'POST' })
    await expect(transport().request(post)).rejects.toMatchObject({ code: 'REGISTRY_BROKEN' })
    expect(registry.seen).toHaveLength(1)
    await expect(transport().request({ ...post, isRepeatable: true })).rejects.toMatchObject({
      code: 'REGISTRY_BROKEN',
    })
    expect(registry.seen).toHaveLength(8)
  })

  it.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2000).toUTCString()],
  ])('that asks to wait, in %s, is waited for, and that is told once', async (_, after) => {
    const warnings: string[] = []
    let count = 0
    const registry = await serve((_request, response) => {
      if (++count < 3) response.writeHead(429, { 'retry-after': count === 1 ? after() : '0' }).end()
      else response.end('content')
    })
    const began = performance.now()
    const sender = transport({ onWarning: (host, text) => warnings.push(`${host} ${text}`) })
    await textOf(await sender.request(get(registry.host)))
    expect(performance.now() - began).toBeGreaterThan(900)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^127\S+ asks to wait [12] s/)
  })

  it('that asks to wait 0 s is asked again after pauses of our own, and nobody is told', async () => {
    const warnings: string[] = []
    const registry = await serve((_, response) =>
      response.writeHead(429, { 'retry-after': '0' }).end(),
    )
    const random = vi.spyOn(Math, 'random')
    const sender = transport({ onWarning: (host, text) => warnings.push(`${host} ${text}`) })
    const error = await sender.request(get(registry.host)).catch(thrown => thrown)
    expect(error).toMatchObject({ code: 'REGISTRY_BUSY' })
    expect(error.message).not.toContain('wait')
    expect(warnings).toEqual([])
    expect(random).toHaveBeenCalled()
  })

  it('that goes away in mid-run is waited for, and that is told once', async () => {
    const warnings: string[] = []
    const registry = await serve((_request, response) => response.end('content'))
    const sender = transport({ onWarning: (host, text) => warnings.push(`${host} ${text}`) })
    await textOf(await sender.request(get(registry.host)))
    await registry.stop()
    const later = sender.request(get(registry.host))
    await expect(later).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(warnings).toEqual([`${registry.host} is not there any more; waiting for it`])
  })

  it('that asks to wait is left at once on an abort', async () => {
    const registry = await serve((_, response) =>
      response.writeHead(429, { 'retry-after': '50' }).end(),
    )
    const signal = AbortSignal.timeout(300)
    const began = performance.now()
    await expect(transport().request(get(registry.host, { signal }))).rejects.toThrow(/timeout/)
    expect(performance.now() - began).toBeLessThan(3000)
  })

  it('that drops connections gets the whole body again, from its beginning', async () => {
    const content = Buffer.alloc(3_000_000, 'abc')
    let count = 0
    const registry = await serve((request, response, incoming) => {
      if (++count < 3) incoming.socket.destroy()
      else response.writeHead(201).end(createHash('sha256').update(request.body).digest('hex'))
    })
    const body = {
      length: content.length,
      open: () => Readable.from([content.subarray(0, 9), content.subarray(9)]),
    }
    const response = await transport().request(get(registry.host, { method: 'PUT', body }))
    expect(await textOf(response)).toBe(createHash('sha256').update(content).digest('hex'))
  })

  it('that drops a small answer in its middle is asked again', async () => {
    let count = 0
    const registry = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 7 })
      if (++count > 1) response.end('content')
      else response.write('con', () => response.destroy())
    })
    expect(await textOf(await transport().request(get(registry.host)))).toBe('content')
  })

  it('that was there and is gone for a moment is waited for', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const first = await serve((_, response) => response.end('one'))
    const sender = transport()
    await textOf(await sender.request(get(first.host)))
    await first.stop()
    const later = new Promise(resolve => setTimeout(resolve, 400))
    const again = later.then(() =>
      serve((_, response) => response.end('two'), { port: first.port }),
    )
    expect(await textOf(await sender.request(get(first.host)))).toBe('two')
    await again
  })

  it('that never was there is told at once', async () => {
    const registry = await serve(() => undefined)
    await registry.stop()
    const began = performance.now()
    const error = await transport()
      .request(get(registry.host))
      .catch(thrown => thrown)
    expect(error).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining(registry.host),
    })
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

describe('a transport', () => {
  it('offline asks nobody', async () => {
    const registry = await serve((_, response) => response.end())
    const error = await transport({ offline: true })
      .request(get(registry.host))
      .catch(thrown => thrown)
    expect(error).toMatchObject({
      code: 'OFFLINE',
      message: expect.stringContaining('/v2/team/x/manifests/1'),
    })
    expect(registry.seen).toEqual([])
  })

  it('tells a warning once', async () => {
    const told: string[] = []
    const registry = await serve((_, response) => {
      response.setHeader('warning', ['299 - "soon \\"gone\\""', '199 - "cache"', '299 - "x\u009b"'])
      response.end()
    })
    const sender = transport({ onWarning: (_, text) => told.push(text) })
    for (let count = 0; count < 3; count++) await sender.request(get(registry.host))
    expect(told).toEqual(['soon \\"gone\\"', 'x\\u{9b}'])
  })

  it('hands on other answers, with bodies, headers and the raw query', async () => {
    const registry = await serve((_, response) => {
      response.writeHead(404, { 'X-Twice': ['a', 'b'] }).end('{"errors":[]}')
    })
    const target = '/v2/x/blobs/uploads/1?_state=a%2Fb+c=&d=%7e'
    const response = await transport().request(get(registry.host, { target }))
    expect([response.status, response.headers['x-twice'], await textOf(response)]).toEqual([
      404,
      'a, b',
      '{"errors":[]}',
    ])
    expect(registry.seen[0]?.url).toBe(target)
    expect(response.url).toBe(`${registry.url}${target}`)
  })

  it('keeps to the limit of a host, and frees a place when an answer was read', async () => {
    let [now, most] = [0, 0]
    const registry = await serve(async (_, response) => {
      most = Math.max(most, ++now)
      await new Promise(resolve => setTimeout(resolve, 30))
      response.end('x'.repeat(100_000), () => now--)
    })
    const sender = transport({ hosts: { [registry.host]: { concurrency: 2 } } })
    const bodies = await Promise.all(
      Array.from({ length: 8 }, async () => textOf(await sender.request(get(registry.host)))),
    )
    expect(bodies.map(body => body.length)).toEqual(Array(8).fill(100_000))
    expect(most).toBe(2)
  })

  it('does not wait for ever when bodies come from the host they go to', async () => {
    const registry = await serve((request, response) =>
      response.end(request.method === 'GET' ? 'x'.repeat(200_000) : 'ok'),
    )
    const sender = transport({ hosts: { [registry.host]: { concurrency: 1 } } })
    const open = () =>
      Readable.from(
        (async function* () {
          yield* (await sender.request(get(registry.host))).body
        })(),
      )
    const put = get(registry.host, { method: 'PUT', body: { length: 200_000, open } })
    const all = await Promise.all([1, 2, 3].map(() => sender.request(put)))
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  it('ends everything on an abort: a wait for an answer, and a body on its way', async () => {
    const registry = await serve((request, response) => {
      if (request.url.endsWith('body')) response.writeHead(200).write('x'.repeat(100_000))
    })
    const reason = new Error('enough')
    const abort = new AbortController()
    const sender = transport({ signal: abort.signal })
    const waiting = sender.request(get(registry.host))
    const { body } = await sender.request(get(registry.host, { target: '/body' }))
    const reading = textOf({ status: 200, headers: {}, url: '', body })
    setTimeout(() => abort.abort(reason), 100)
    await expect(waiting).rejects.toBe(reason)
    await expect(reading).rejects.toThrow()
  })

  it('asks mirrors first, in their order, and then the registry', async () => {
    const told: string[] = []
    const gone = await serve(() => undefined)
    await gone.stop()
    const empty = await serve((_, response) => response.writeHead(404).end())
    const full = await serve((request, response) => response.end(`mirror ${request.url}`))
    const registry = await serve((request, response) => response.end(`registry ${request.url}`))
    const sender = transport({
      hosts: { [registry.host]: { mirrors: [gone.host, empty.host, `${full.host}/cache`] } },
      onWarning: (_, text) => told.push(text),
    })
    const target = '/v2/team/x/blobs/y'
    const ask = async (more: object): Promise<string> =>
      textOf(await sender.request(get(registry.host, { target, ...more })))
    expect(await ask({ mirrored: true })).toBe('mirror /v2/cache/team/x/blobs/y')
    expect(await ask({ mirrored: true })).toBe('mirror /v2/cache/team/x/blobs/y')
    expect(await ask({})).toBe(`registry ${target}`)
    expect(empty.seen.map(({ url }) => url)[0]).toBe(
      `${target}?ns=${encodeURIComponent(registry.host)}`,
    )
    expect(told).toEqual([expect.stringContaining('passed over as a mirror')])
    await full.stop()
    expect(await ask({ mirrored: true })).toBe(`registry ${target}`)
  })
})
