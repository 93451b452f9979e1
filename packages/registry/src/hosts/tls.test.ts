import dns from 'node:dns'
import { copyFileSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { certificates, folder, get, serve, type TestServer, textOf, transport } from '../testing.ts'
import { createConnector, RefusedAddress } from './connector.ts'

// Without chance the waits between retries are none.
beforeEach(() => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  return () => random.mockRestore()
})

/** ~/.config/containers/certs.d with these files for a host. */
function certsFolder(host: string, from: string, names: readonly string[]): { HOME: string } {
  const HOME = folder()
  const path = join(HOME, '.config/containers/certs.d', host)
  mkdirSync(path, { recursive: true })
  for (const name of names) copyFileSync(join(from, name), join(path, name))
  return { HOME }
}

describe('a registry with TLS', () => {
  it('whose authority is unknown is refused, and named', async () => {
    const registry = await serve((_, response) => response.end(), { tls: certificates().server })
    const error = await transport()
      .request(get(registry.host))
      .catch(thrown => thrown)
    expect(error).toMatchObject({
      code: 'REGISTRY_TLS',
      hint: expect.stringContaining(`certs.d/${registry.host}`),
    })
    expect(registry.seen).toEqual([])
  })

  it('is trusted by certs.d, by ca, and by skipVerify', async () => {
    const made = certificates()
    const registry = await serve((_, response) => response.end('content'), { tls: made.server })
    const ask = async (options: object): Promise<string> =>
      textOf(await transport(options).request(get(registry.host)))
    expect(await ask({ env: certsFolder(registry.host, made.folder, ['ca.crt']) })).toBe('content')
    expect(await ask({ hosts: { [registry.host]: { ca: join(made.folder, 'ca.crt') } } })).toBe(
      'content',
    )
    expect(await ask({ hosts: { [registry.host]: { skipVerify: true } } })).toBe('content')
  })

  it('that wants a certificate is shown the one of certs.d', async () => {
    const made = certificates()
    const tls = { ...made.server, ca: made.ca, requestCert: true, rejectUnauthorized: true }
    const registry = await serve((_, response) => response.end('content'), { tls })
    const all = ['ca.crt', 'client.cert', 'client.key']
    const env = certsFolder(registry.host, made.folder, all)
    expect(await textOf(await transport({ env }).request(get(registry.host)))).toBe('content')
    const without = transport({ env: certsFolder(registry.host, made.folder, ['ca.crt']) })
    await expect(without.request(get(registry.host))).rejects.toMatchObject({
      code: expect.stringMatching(/TLS|UNREACHABLE/),
    })
    const half = transport({
      env: certsFolder(registry.host, made.folder, ['ca.crt', 'client.cert']),
    })
    await expect(half.request(get(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_CERTIFICATES',
    })
  })

  it('does not redirect to plain HTTP, and names no token server without TLS elsewhere', async () => {
    const made = certificates()
    const plain = await serve((_, response) => response.end())
    let header: Record<string, string> = { location: plain.url }
    const registry = await serve(
      (_, response) => response.writeHead('location' in header ? 302 : 401, header).end(),
      { tls: made.server },
    )
    const sender = transport({ hosts: { [registry.host]: { skipVerify: true } } })
    await expect(sender.request(get(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_REDIRECT',
    })
    header = { 'www-authenticate': 'Bearer realm="http://tokens.example/t"' }
    await expect(sender.request(get(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_REALM',
    })
    expect(plain.seen).toEqual([])
  })

  it('whose upload goes on at http:// of itself is asked with TLS', async () => {
    const made = certificates()
    const registry = await serve((request, response) => response.end(request.url), {
      tls: made.server,
    })
    const sender = transport({ hosts: { [registry.host]: { skipVerify: true } } })
    const target = `http://${registry.host}/v2/x?_state=a`
    expect(await textOf(await sender.request(get(registry.host, { target })))).toBe(
      '/v2/x?_state=a',
    )
    const foreign = get(registry.host, { target: 'http://other.example/v2/x' })
    await expect(sender.request(foreign)).rejects.toMatchObject({ code: 'REGISTRY_REDIRECT' })
  })
})

describe('a registry with TLS that redirects', () => {
  /** A server at 127.0.0.1, which is localhost too; it says whose certificate it was shown. */
  const shown = (made: ReturnType<typeof certificates>): Promise<TestServer> => {
    const tls = { ...made.server, ca: made.ca, requestCert: true, rejectUnauthorized: false }
    return serve(
      (_, response, { socket }) =>
        response.end(`${(socket as TLSSocket).getPeerCertificate().subject?.CN}`),
      { tls },
    )
  }
  const redirecting = (to: () => string, made: ReturnType<typeof certificates>) =>
    serve((_, response) => response.writeHead(307, { location: to() }).end(), { tls: made.server })

  it('shows the certificate for it to its own host alone', async () => {
    const made = certificates()
    const other = await shown(made)
    let to = other.url
    const registry = await redirecting(() => to, made)
    const [ca, cert, key] = ['ca.crt', 'client.cert', 'client.key'].map(name =>
      join(made.folder, name),
    )
    const settings = { ca, cert, key } as { ca: string; cert: string; key: string }
    const sender = transport({ hosts: { [registry.host]: settings } })
    expect(await textOf(await sender.request(get(registry.host)))).toBe('client')
    to = `https://localhost:${other.port}/`
    expect(await textOf(await sender.request(get(registry.host)))).toBe('undefined')
  })

  it('may go unverified on its own host alone', async () => {
    const made = certificates()
    const other = await shown(made)
    let to = other.url
    const registry = await redirecting(() => to, made)
    const sender = transport({ hosts: { [registry.host]: { skipVerify: true } } })
    expect(await textOf(await sender.request(get(registry.host)))).toBe('undefined')
    to = `https://localhost:${other.port}/`
    await expect(sender.request(get(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_TLS',
      message: expect.stringContaining('localhost'),
    })
    expect(other.seen).toHaveLength(1)
  })
})

describe('a registry without TLS', () => {
  it('is spoken to on this machine, unless TLS is asked for', async () => {
    const registry = await serve((_, response) => response.end('content'))
    expect(await textOf(await transport().request(get(registry.host)))).toBe('content')
    const strict = transport({ hosts: { [registry.host]: { plainHttp: false } } })
    const error = await strict.request(get(registry.host)).catch(thrown => thrown)
    expect(error).toMatchObject({
      code: 'REGISTRY_TLS',
      hint: expect.stringContaining(`registries.${registry.host}.plain-http`),
    })
    expect(registry.seen).toHaveLength(1)
  })
})

describe('a registry elsewhere that may be spoken to with any certificate and without TLS', () => {
  const both = { plainHttp: true, skipVerify: true }
  beforeEach(() => {
    const { lookup } = dns
    // It lies on this machine, and its name does not say so.
    const here = (_: string, options: object, callback: never): void =>
      lookup('127.0.0.1', options, callback)
    const mock = vi.spyOn(dns, 'lookup').mockImplementation(here as never)
    return () => mock.mockRestore()
  })
  const asked = async ({ port }: TestServer, settings: object, env = {}): Promise<string> => {
    const domain = `registry.example:${port}`
    const sender = transport({ hosts: { [domain]: settings }, env })
    return textOf(await sender.request(get(domain)))
  }

  it('is spoken to with TLS where it speaks that, and so a password stays unread', async () => {
    const { server } = certificates()
    const registry = await serve((_, response) => response.end('safe'), { tls: server })
    expect(await asked(registry, both)).toBe('safe')
    await expect(asked(registry, { plainHttp: true })).rejects.toMatchObject({
      code: expect.stringMatching(/^REGISTRY_/),
    })
    await expect(asked(registry, {})).rejects.toMatchObject({ code: 'REGISTRY_TLS' })
    expect(registry.seen).toHaveLength(1)
  })

  it('is spoken to without TLS where it speaks none', async () => {
    const registry = await serve((_, response) => response.end('plain'))
    expect(await asked(registry, both)).toBe('plain')
    await expect(asked(registry, {})).rejects.toMatchObject({ code: 'REGISTRY_TLS' })
    expect(registry.seen).toHaveLength(1)
  })
})

it('a proxy carries TLS by a tunnel, and its password is not shown', async () => {
  const made = certificates()
  const registry = await serve((_, response) => response.end('content'), { tls: made.server })
  const asked: unknown[] = []
  const proxy = createServer()
  let isOpen = true
  proxy.on('connect', (request, socket) => {
    asked.push([request.url, request.headers['proxy-authorization']])
    if (!isOpen) return void socket.end('HTTP/1.1 407 No\r\n\r\n')
    const upstream = connect(registry.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const { port } = proxy.address() as AddressInfo
  const env = { HTTPS_PROXY: `http://u:canary@127.0.0.1:${port}` }
  const hosts = { 'r.example': { skipVerify: true } }
  expect(await textOf(await transport({ env, hosts }).request(get('r.example')))).toBe('content')
  expect(asked).toEqual([['r.example:443', `Basic ${Buffer.from('u:canary').toString('base64')}`]])
  isOpen = false
  const error = await transport({ env, hosts })
    .request(get('r.example'))
    .catch(thrown => thrown)
  expect(error).toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('407'),
  })
  expect(`${error.stack}${error.cause}`).not.toContain('canary')
})

it('an address is refused when it is connected to, as a name and as a number', async () => {
  const server = await serve((_, response) => response.end())
  const options = {
    certificates: { authorities: [], pairs: [] },
    skipVerify: false,
    proxy: undefined,
  }
  const connector = createConnector({ ...options, mayConnect: reach => reach === 'public' })
  for (const hostname of ['localhost', '127.0.0.1', '[::1]']) {
    const target = { hostname, host: hostname, protocol: 'http:', port: `${server.port}` }
    const error = await new Promise(resolve => connector(target, (...[thrown]) => resolve(thrown)))
    expect(error).toBeInstanceOf(RefusedAddress)
  }
})
