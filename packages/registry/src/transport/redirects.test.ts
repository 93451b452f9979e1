import { describe, expect, it } from 'vitest'
import { dockerConfig, entry, get, serve, type TestServer, textOf, transport } from '../testing.ts'

const password = 'canary-pass-1'
const basic = `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`

/** A registry with Basic that redirects to what `location` says. */
function redirecting(
  location: (url: string) => string | undefined,
  status = 307,
): Promise<TestServer> {
  return serve((request, response) => {
    if (request.authorization !== basic)
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    const to = location(request.url)
    if (to === undefined) return void response.end(`content ${request.body}`)
    response.writeHead(status, { location: to }).end()
  })
}

const sender = (registry: TestServer) => {
  const auths = { [registry.host]: entry('alice', password) }
  return transport({ env: { DOCKER_CONFIG: dockerConfig({ auths }) } })
}
const refused = { code: 'REGISTRY_REDIRECT' }

describe('a redirect', () => {
  it('to another port, and from there back, carries no Authorization', async () => {
    let back = ''
    const storage = await serve((request, response) => {
      if (request.url === '/back') response.writeHead(302, { location: back }).end()
      else response.end('stored')
    })
    const registry = await redirecting(
      url => `${storage.url}${url.includes('back') ? '/back' : '/blob?sig=a%2Fb'}`,
    )
    expect(await textOf(await sender(registry).request(get(registry.host)))).toBe('stored')
    expect(storage.seen.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/blob?sig=a%2Fb', undefined],
    ])
    back = `${registry.url}/v2/other`
    const seen = registry.seen.length
    await sender(registry)
      .request(get(registry.host, { target: '/back' }))
      .catch(() => undefined)
    const other = registry.seen.slice(seen).filter(({ url }) => url === '/v2/other')
    expect(other.map(({ authorization }) => authorization)).toContain(undefined)
  })

  it('within the registry keeps it, for a body too', async () => {
    const registry = await redirecting(url => (url === '/moved' ? undefined : '/moved'))
    const body = { length: 4, open: () => Buffer.from('body') }
    const response = await sender(registry).request(get(registry.host, { method: 'PUT', body }))
    expect(await textOf(response)).toBe('content body')
  })

  it('of an upload to another host is refused', async () => {
    const storage = await serve((_, response) => response.end())
    const registry = await redirecting(() => storage.url)
    const body = { length: 4, open: () => Buffer.from('body') }
    await expect(
      sender(registry).request(get(registry.host, { method: 'PUT', body })),
    ).rejects.toMatchObject(refused)
    expect(storage.seen).toEqual([])
  })

  it('is followed ten times', async () => {
    const registry = await redirecting(url => {
      const count = Number(url.slice(1)) || 0
      return count >= 10 ? undefined : `/${count + 1}`
    })
    expect(await textOf(await sender(registry).request(get(registry.host)))).toContain('content')
    const loop = await redirecting(() => '/again')
    await expect(sender(loop).request(get(loop.host))).rejects.toMatchObject(refused)
  })

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[fe80::1]/',
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
  ])('to %s is refused', async location => {
    const registry = await redirecting(() => location)
    await expect(sender(registry).request(get(registry.host))).rejects.toMatchObject(refused)
  })

  it('to a host that wants a token gets an anonymous one', async () => {
    const tokens = await serve((_, response) => response.end('{"token":"free"}'))
    const other = await serve((request, response) => {
      if (request.authorization === 'Bearer free') return void response.end('stored')
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="${tokens.url}",scope="a:b:pull"` })
        .end()
    })
    const registry = await redirecting(() => `${other.url}/x`)
    expect(await textOf(await sender(registry).request(get(registry.host)))).toBe('stored')
    expect(tokens.seen.map(({ authorization }) => authorization)).toEqual([undefined])
  })

  it('whose target refuses is told without its signature', async () => {
    const storage = await serve((_, response) => response.writeHead(403).end())
    const registry = await redirecting(() => `${storage.url}/x?X-Amz-Signature=canary-sig`)
    const error = await sender(registry)
      .request(get(registry.host))
      .catch(thrown => thrown)
    expect(error).toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining(storage.host),
    })
    expect(`${error.stack}${error.hint}`).not.toContain('canary')
  })
})
