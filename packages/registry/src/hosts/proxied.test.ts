import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { certificates, get, serve, textOf, transport } from '../testing.ts'

beforeEach(() => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  return () => random.mockRestore()
})

/** A proxy for which every name is this machine. `seen` has what it was asked for, `tunnels` its answer to CONNECT. */
async function startProxy({ tunnels = 200, passes = true } = {}) {
  const seen: string[] = []
  const accounts: unknown[] = []
  const proxy = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    seen.push(`${method} ${url}`)
    accounts.push(headers['proxy-authorization'])
    if (!passes) return void outgoing.writeHead(407).end()
    const { port, pathname, search, host } = new URL(url)
    const path = `${pathname}${search}`
    expect(headers.host).toBe(host)
    const onward = send({ host: '127.0.0.1', port, path, method, headers }, answer => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.writeHead(503).end())
    incoming.pipe(onward)
  })
  proxy.on('connect', ({ url = '' }, socket) => {
    seen.push(`CONNECT ${url}`)
    if (tunnels !== 200) return void socket.end(`HTTP/1.1 ${tunnels} No\r\n\r\n`)
    const upstream = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  const address = `http://u:canary@127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return { seen, accounts, env: { HTTP_PROXY: address, HTTPS_PROXY: address } }
}

const both = { plainHttp: true, skipVerify: true }
const path = '/v2/team/x/manifests/1'

describe('a registry behind a proxy that may be spoken to with any certificate and without TLS', () => {
  it('is spoken to with TLS where it speaks that', async () => {
    const { server } = certificates()
    const registry = await serve((_, response) => response.end('safe'), { tls: server })
    const { seen, env } = await startProxy()
    const domain = `r.example:${registry.port}`
    const sender = transport({ env, hosts: { [domain]: both } })
    expect(await textOf(await sender.request(get(domain)))).toBe('safe')
    expect(new Set(seen)).toEqual(new Set([`CONNECT ${domain}`]))
  })

  it.each([
    ['where it speaks none', 200],
    ['where the proxy makes no tunnel', 403],
  ])('is spoken to without TLS %s', async (_, tunnels) => {
    const registry = await serve((request, response) => response.end(`plain ${request.url}`))
    const { seen, env } = await startProxy({ tunnels })
    const domain = `r.example:${registry.port}`
    const sender = transport({ env, hosts: { [domain]: both } })
    const target = `${path}?a=%2F`
    expect(await textOf(await sender.request(get(domain, { target })))).toBe(`plain ${target}`)
    expect(seen).toEqual([`CONNECT ${domain}`, `GET http://${domain}${target}`])
  })

  it('is not spoken to without TLS when it may only be down', async () => {
    const { seen, env } = await startProxy({ tunnels: 503 })
    const domain = 'r.example:5000'
    const sender = transport({ env, hosts: { [domain]: both } })
    await expect(sender.request(get(domain))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('503'),
    })
    expect(new Set(seen)).toEqual(new Set([`CONNECT ${domain}`]))
  })
})

describe('a registry without TLS behind a proxy', () => {
  const plainHttp = { plainHttp: true }

  it('is asked for by its whole address, which proxies that make no tunnel there pass on', async () => {
    const registry = await serve((request, response) => response.end(`got ${request.body}`))
    const { seen, accounts, env } = await startProxy({ tunnels: 403 })
    const domain = `r.example:${registry.port}`
    const sender = transport({ env, hosts: { [domain]: plainHttp } })
    const body = { length: 4, open: () => Buffer.from('body') }
    const answer = await sender.request(get(domain, { method: 'PUT', body }))
    expect(await textOf(answer)).toBe('got body')
    expect(answer.url).toBe(`http://${domain}${path}`)
    await textOf(await sender.request(get(domain, { isBulk: true })))
    expect(seen).toEqual([`PUT http://${domain}${path}`, `GET http://${domain}${path}`])
    expect(new Set(accounts)).toEqual(
      new Set([`Basic ${Buffer.from('u:canary').toString('base64')}`]),
    )
  })

  it('is not reached when the proxy wants another account', async () => {
    const { env } = await startProxy({ passes: false })
    const error = await transport({ env, hosts: { 'r.example': plainHttp } })
      .request(get('r.example'))
      .catch(thrown => thrown)
    expect(error).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('407'),
    })
    expect(`${error.stack}${error.cause}`).not.toContain('canary')
  })

  it.each(['http://169.254.169.254/latest/', 'https://169.254.169.254/', 'http://10.0.0.1/'])(
    'that redirects to %s is refused before the proxy hears of it',
    async location => {
      const registry = await serve((_, response) => response.writeHead(307, { location }).end())
      const { seen, env } = await startProxy()
      const domain = `r.example:${registry.port}`
      const sender = transport({ env, hosts: { [domain]: plainHttp } })
      await expect(sender.request(get(domain))).rejects.toMatchObject({
        code: 'REGISTRY_REDIRECT',
      })
      expect(seen).toEqual([`GET http://${domain}${path}`])
    },
  )
})
