import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  dockerConfig,
  entry,
  folder,
  get,
  type Seen,
  serve,
  type TestServer,
  textOf,
  transport,
} from '../testing.ts'

const password = 'canary-pass-1'
const basic = `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`

interface Issued {
  readonly server: TestServer
  /** Tokens that the registry takes. */
  readonly valid: Set<string>
}

/** A token server; `allows` decides by request, `answer` may add to what it says. */
async function tokenServer(
  allows: (request: Seen) => boolean | number,
  answer: (token: string) => object = token => ({ token }),
): Promise<Issued> {
  const valid = new Set<string>()
  const server = await serve((request, response) => {
    const allowed = allows(request)
    if (allowed !== true) {
      response.writeHead(allowed === false ? 401 : allowed)
      response.end(
        JSON.stringify({
          errors: [{ code: 'DENIED', message: `no ${request.authorization} ${request.body}` }],
        }),
      )
      return
    }
    const token = `token-${valid.size + 1}-${'x'.repeat(20)}`
    valid.add(token)
    response.end(JSON.stringify(answer(token)))
  })
  return { server, valid }
}

/** A registry that takes the tokens of a token server. */
function bearerRegistry({ server, valid }: Issued): Promise<TestServer> {
  return serve((request, response) => {
    const token = request.authorization?.replace(/^Bearer /, '') ?? ''
    if (valid.has(token)) return void response.end('content')
    response.writeHead(401, {
      'www-authenticate': `Bearer realm="${server.url}/token",service="registry",scope="repository:team/x:pull"`,
    })
    response.end(`{"errors":[{"code":"UNAUTHORIZED","message":"not ${request.authorization}"}]}`)
  })
}

const config = (auths: Record<string, object>) => ({
  env: { DOCKER_CONFIG: dockerConfig({ auths }) },
})
const query = ({ url }: Seen): URLSearchParams => new URL(url, 'http://x').searchParams

describe('a registry is asked', () => {
  it('without any credentials when it wants none', async () => {
    const registry = await serve((_, response) => response.end('content'))
    const sender = transport(config({ [registry.host]: entry('alice', password) }))
    expect(await textOf(await sender.request(get(registry.host)))).toBe('content')
    expect(registry.seen.map(({ authorization }) => authorization)).toEqual([undefined])
    expect(registry.seen[0]?.headers['user-agent']).toMatch(/^orch\/\d/)
  })

  it('with Basic, unasked after the first challenge', async () => {
    const registry = await serve((request, response) => {
      if (request.authorization === basic) return void response.end('content')
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    })
    const sender = transport(config({ [registry.host]: entry('alice', password) }))
    for (let count = 0; count < 2; count++) await textOf(await sender.request(get(registry.host)))
    expect(registry.seen.map(({ authorization }) => authorization)).toEqual([
      undefined,
      basic,
      basic,
    ])
  })

  it('with an anonymous token', async () => {
    const issued = await tokenServer(({ authorization }) => authorization === undefined)
    const registry = await bearerRegistry(issued)
    expect(await textOf(await transport().request(get(registry.host)))).toBe('content')
    const [asked] = issued.server.seen
    expect(asked && query(asked).getAll('scope')).toEqual(['repository:team/x:pull'])
    expect(asked && query(asked).get('service')).toBe('registry')
  })

  it('with a token for a password, asked for once, the newest scope first', async () => {
    const issued = await tokenServer(({ authorization }) => authorization === basic)
    const registry = await bearerRegistry(issued)
    const sender = transport(config({ [registry.host]: entry('alice', password) }))
    const scopes = [
      { repository: 'team/new', actions: ['pull', 'push'] as const },
      { repository: 'team/x', actions: ['pull'] as const },
    ]
    await Promise.all(
      [1, 2, 3].map(async () => textOf(await sender.request(get(registry.host, { scopes })))),
    )
    await textOf(await sender.request(get(registry.host, { scopes })))
    expect(issued.server.seen).toHaveLength(1)
    const [asked] = issued.server.seen
    expect(asked && query(asked).getAll('scope')).toEqual([
      'repository:team/new:pull,push',
      'repository:team/x:pull',
    ])
    expect(registry.seen.every(({ authorization }) => authorization !== basic)).toBe(true)
  })

  it('with a token by POST where the token server has no GET', async () => {
    const issued = await tokenServer(
      ({ method, body }) =>
        method === 'GET' ? 405 : new URLSearchParams(body).get('password') === password,
      token => ({ access_token: token }),
    )
    const registry = await bearerRegistry(issued)
    const sender = transport(config({ [registry.host]: entry('alice', password) }))
    expect(await textOf(await sender.request(get(registry.host)))).toBe('content')
  })

  it('with a token for an identity token', async () => {
    const issued = await tokenServer(
      ({ body }) => new URLSearchParams(body).get('refresh_token') === password,
    )
    const registry = await bearerRegistry(issued)
    const sender = transport(config({ [registry.host]: { identitytoken: password } }))
    expect(await textOf(await sender.request(get(registry.host)))).toBe('content')
    const form = new URLSearchParams(issued.server.seen[0]?.body)
    expect([form.get('grant_type'), form.get('scope')]).toEqual([
      'refresh_token',
      'repository:team/x:pull',
    ])
  })

  it('with a registry token as it is', async () => {
    const issued = await tokenServer(() => true)
    issued.valid.add('given')
    const registry = await bearerRegistry(issued)
    const sender = transport(config({ [registry.host]: { registrytoken: 'given' } }))
    expect(await textOf(await sender.request(get(registry.host)))).toBe('content')
    expect(issued.server.seen).toEqual([])
  })

  it('with what a helper says', async () => {
    const issued = await tokenServer(({ authorization }) => authorization === basic)
    const registry = await bearerRegistry(issued)
    const bin = folder()
    writeFileSync(
      join(bin, 'docker-credential-kit'),
      `#!/bin/sh\necho '{"Username":"alice","Secret":"${password}"}'\n`,
    )
    chmodSync(join(bin, 'docker-credential-kit'), 0o755)
    const DOCKER_CONFIG = dockerConfig({ credHelpers: { [registry.host]: 'kit' } })
    const sender = transport({ env: { DOCKER_CONFIG, PATH: `${bin}:${process.env['PATH']}` } })
    expect(await textOf(await sender.request(get(registry.host)))).toBe('content')
  })

  it('again with a new token when one expired, the body sent from its beginning', async () => {
    const issued = await tokenServer(() => true)
    const registry = await bearerRegistry(issued)
    const sender = transport()
    await textOf(await sender.request(get(registry.host)))
    issued.valid.clear()
    issued.valid.add('filler')
    let opened = 0
    const content = Buffer.from('x'.repeat(100_000))
    const open = () => {
      opened++
      return content
    }
    const body = { length: content.length, open }
    const response = await sender.request(get(registry.host, { method: 'PATCH', body }))
    expect(response.status).toBe(200)
    expect(opened).toBe(2)
    expect(registry.seen.at(-1)?.body).toHaveLength(content.length)
    expect(issued.server.seen).toHaveLength(2)
  })

  it('with the scope of the challenge where ours are none', async () => {
    const issued = await tokenServer(
      request => query(request).get('scope') === 'registry:catalog:*',
    )
    const registry = await serve((request, response) => {
      if (request.authorization !== undefined) return void response.end('content')
      const realm = `${issued.server.url}/t`
      response
        .writeHead(401, {
          'www-authenticate': `Bearer realm="${realm}",scope="registry:catalog:*"`,
        })
        .end()
    })
    const request = get(registry.host, { target: '/v2/_catalog', scopes: [] })
    expect(await textOf(await transport().request(request))).toBe('content')
  })
})

describe('a registry that refuses', () => {
  it('a wrong password is told by the token server, once', async () => {
    const issued = await tokenServer(() => false)
    const registry = await bearerRegistry(issued)
    const options = config({ [registry.host]: entry('alice', password) })
    const error = await transport(options)
      .request(get(registry.host))
      .catch(thrown => thrown)
    expect(error).toMatchObject({
      code: 'REGISTRY_DENIED',
      hint: expect.stringContaining('docker login'),
    })
    expect(error.message).toContain(options.env.DOCKER_CONFIG)
    expect(`${error.stack} ${error.hint}`).not.toContain(password)
    expect(`${error.stack}`).not.toContain(basic.slice(6))
    expect(issued.server.seen).toHaveLength(1)
  })

  it.each([401, 403])(
    'a fresh token with %s says where credentials were looked for',
    async status => {
      const issued = await tokenServer(() => true)
      const registry = await serve((request, response) => {
        const refusal = request.authorization === undefined ? 401 : status
        const header = { 'www-authenticate': `Bearer realm="${issued.server.url}/t"` }
        response
          .writeHead(refusal, header)
          .end(`{"errors":[{"code":"DENIED","message":"not ${request.authorization}"}]}`)
      })
      const error = await transport()
        .request(get(registry.host))
        .catch(thrown => thrown)
      expect(error).toMatchObject({ code: 'REGISTRY_DENIED' })
      expect(error.hint).toMatch(
        /docker login 127.0.0.1.*\.docker\/config\.json.*containers\/auth\.json/,
      )
      expect(error.message).toContain('DENIED: not Bearer ***')
      expect(registry.seen).toHaveLength(2)
    },
  )

  it('without a challenge that can be answered', async () => {
    const registry = await serve((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Negotiate, Bearer scope="x", "' }).end()
    })
    await expect(transport().request(get(registry.host))).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    })
    expect(registry.seen).toHaveLength(1)
  })

  it.each([
    ['no token', '{}'],
    ['a token that is no header', '{"token":"a\\r\\nb"}'],
    ['no JSON', '<html>canary-pass-1</html>'],
    ['more than 1 MiB', JSON.stringify({ token: 'x'.repeat(1_100_000) })],
  ])('because its token server gives %s', async (_, answer) => {
    const tokens = await serve((_request, response) => response.end(answer))
    const registry = await serve((_request, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${tokens.url}"` }).end()
    })
    const error = await transport()
      .request(get(registry.host))
      .catch(thrown => thrown)
    expect(error.code).toMatch(/^REGISTRY_(TOKEN|BROKEN)$/)
    expect(error.stack).not.toContain(password)
  })
})
