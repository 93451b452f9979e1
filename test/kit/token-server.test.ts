import { beforeEach, expect, it } from 'vitest'
import { ask } from './scripted/ask.ts'
import { type ScriptedRegistry, startScriptedRegistry } from './scripted-registry.ts'
import { needs } from './services.ts'
import { account, basic, startTokenServer, type TokenServer } from './token-server.ts'

needs('openssl')('the token server', () => {
  let tokens: TokenServer
  let registry: ScriptedRegistry
  beforeEach(async () => {
    tokens = await startTokenServer()
    registry = await startScriptedRegistry({ door: tokens })
    registry.addBlob('x', '1')
  })

  const get = async (scopes: readonly string[], authorization?: string) => {
    const query = new URLSearchParams(scopes.map(scope => ['scope', scope] as [string, string]))
    const { status, body } = await ask(
      `${tokens.realm}?${query}`,
      'GET',
      authorization ? { authorization } : {},
    )
    return { status, answer: JSON.parse(body) as Record<string, unknown> }
  }
  const post = async (fields: Record<string, string>) => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const { status, body } = await ask(
      tokens.realm,
      'POST',
      type,
      new URLSearchParams(fields).toString(),
    )
    return { status, answer: JSON.parse(body) as Record<string, unknown> }
  }
  const digest = 'sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b'
  /** The status of a pull with a token, and the challenge to it. */
  const pull = async (token: unknown) => {
    const headers = { authorization: `Bearer ${token}` }
    const { status, headers: told } = await ask(
      `${registry.url}/v2/x/blobs/${digest}`,
      'GET',
      headers,
    )
    return [status, told['www-authenticate']]
  }
  const challenge = () =>
    `Bearer realm="${tokens.realm}",service="orch-kit",scope="repository:x:pull"`

  it('gives tokens by GET and POST for what was asked, and remembers who asked how', async () => {
    const scope = 'repository:x:pull'
    const refresh_token = 'kit-identity-token-canary'
    expect(await pull('nonsense')).toEqual([401, challenge()])
    expect(await pull((await get([scope], basic)).answer['token'])).toEqual([200, undefined])
    const byRefresh = await post({ grant_type: 'refresh_token', refresh_token, scope })
    expect(await pull(byRefresh.answer['access_token'])).toEqual([200, undefined])
    const login = { username: account.name, password: account.password }
    const byPassword = await post({ grant_type: 'password', ...login, scope })
    expect(await pull(byPassword.answer['access_token'])).toEqual([200, undefined])
    expect(await pull((await get([scope])).answer['token'])).toEqual([401, challenge()])
    expect((await get([scope], 'Basic d3Jvbmc6')).status).toBe(401)
    expect((await post({ grant_type: 'refresh_token', refresh_token: 'old', scope })).status).toBe(
      401,
    )
    const kinds = tokens.requests.map(({ method, by, status }) => `${method} ${by} ${status}`)
    expect(kinds).toEqual([
      'GET basic 200',
      'POST refresh 200',
      'POST password 200',
      'GET nothing 200',
      'GET basic 401',
      'POST refresh 401',
    ])
  })

  it('denies, forgets scopes and ends tokens as it is told', async () => {
    const scopes = ['repository:x:pull,push', 'repository:host:5000/y:pull']
    const granted = async () => {
      await get(scopes, basic)
      return tokens.requests.at(-1)?.granted.map(({ name, actions }) => `${name} ${actions}`)
    }
    expect(await granted()).toEqual(['x pull,push', 'host:5000/y pull'])
    tokens.settings.reads = 'first'
    expect(await granted()).toEqual(['x pull,push'])
    tokens.settings.reads = 'last'
    expect(await granted()).toEqual(['host:5000/y pull'])
    tokens.settings.reads = 'all'
    tokens.settings.deny = ({ name }, action) => name === 'x' && action === 'push'
    expect(await granted()).toEqual(['x pull', 'host:5000/y pull'])

    const { token } = (await get(scopes, basic)).answer
    expect(await pull(token)).toEqual([200, undefined])
    registry.quirks.tokenUses = 2
    expect(await pull(token)).toEqual([200, undefined])
    expect(await pull(token)).toEqual([401, challenge()])
    registry.quirks.tokenUses = undefined
    expect(await pull(token)).toEqual([200, undefined])
    tokens.revoke()
    expect(await pull(token)).toEqual([401, challenge()])
    tokens.settings.life = 0
    expect(await pull((await get(scopes, basic)).answer['token'])).toEqual([401, challenge()])
  })

  it('answers in the forms that are seen', async () => {
    expect((await get([], basic)).answer).toMatchObject({
      expires_in: 300,
      token: expect.any(String),
    })
    Object.assign(tokens.settings, { says: null, field: 'access_token', givesRefresh: true })
    const { answer } = await get([], basic)
    expect(Object.keys(answer).sort()).toEqual(['access_token', 'issued_at', 'refresh_token'])
    tokens.settings.says = 5
    expect((await get([], basic)).answer['expires_in']).toBe(5)
    tokens.settings.refusesPost = 405
    expect((await post({ grant_type: 'password' })).status).toBe(405)
    tokens.settings.isPublic = true
    expect(await pull((await get(['repository:x:pull'])).answer['access_token'])).toEqual([
      200,
      undefined,
    ])
  })

  it('says a challenge of the test, and mounts only what the token may read', async () => {
    registry.quirks.challenge = ['Negotiate', 'Bearer realm="http://169.254.169.254/"']
    const { headers } = await ask(`${registry.url}/v2/`)
    expect(headers['www-authenticate']).toBe('Negotiate, Bearer realm="http://169.254.169.254/"')
    registry.quirks.mountNeedsPull = true
    const mount = async (...scopes: string[]) => {
      const { token } = (await get(scopes, basic)).answer
      const target = `${registry.url}/v2/y/blobs/uploads/?from=x&mount=${digest}`
      return (await ask(target, 'POST', { authorization: `Bearer ${token}` })).status
    }
    expect(await mount('repository:y:pull,push')).toBe(202)
    expect(await mount('repository:y:pull,push', 'repository:x:pull')).toBe(201)
  })
})
