import { beforeEach, expect, it, vi } from 'vitest'
import type { Host } from '../hosts/hosts.ts'
import type { Credentials } from './credentials.ts'
import { createSecrets } from './secrets.ts'
import { createTokens, type TokenAnswer, type TokenQuery, type TokenRequest } from './token.ts'

const host: Host = {
  domain: 'registry.example',
  origin: new URL('https://registry.example'),
  settings: {},
  slots: { take: () => Promise.reject(new Error('unused')) },
  reach: () => 'public',
}
const query: TokenQuery = {
  host,
  realm: new URL('https://registry.example/token'),
  service: undefined,
  scopes: [],
  account: undefined,
}

beforeEach(() => {
  vi.useFakeTimers()
  return () => {
    vi.useRealTimers()
  }
})

/** How often a token is asked for when it is needed at these seconds. */
async function asked(answer: object, seconds: readonly number[]): Promise<number> {
  let count = 0
  const send = async (): Promise<TokenAnswer> => {
    const bytes = Buffer.from(JSON.stringify({ token: `t${++count}`, ...answer }))
    return { status: 200, bytes }
  }
  const tokens = createTokens(send, createSecrets())
  const began = Date.now()
  for (const at of seconds) {
    vi.setSystemTime(began + at * 1000)
    await tokens.get(query)
  }
  return count
}

const hour = 3_600_000
it.each([
  ['without a time holds a minute', {}, [0, 30, 45], 1],
  ['of 5 s holds a minute', { expires_in: 5 }, [0, 30, 45], 1],
  ['is asked for again before its minute is over', { expires_in: 5 }, [0, 59], 2],
  ['of 5 min holds nearly that', { expires_in: 300 }, [0, 280], 1],
  ['of 5 min is asked for again before they are over', { expires_in: 300 }, [0, 295], 2],
  [
    'of a server whose clock is slow holds as long as it says',
    { expires_in: 300, issued_at: new Date(Date.now() - hour).toISOString() },
    [0, 280],
    1,
  ],
  [
    'of a server whose clock is fast holds no longer',
    { expires_in: 300, issued_at: new Date(Date.now() + hour).toISOString() },
    [0, 301],
    2,
  ],
])('a token %s', async (_, answer, seconds, times) => {
  expect(await asked(answer, seconds)).toBe(times)
})

const identity: Credentials = { kind: 'identity', user: 'alice', token: 'canary' }
const basic: Credentials = { kind: 'basic', user: 'alice', password: 'canary' }

it.each<[string, Credentials, number, readonly string[]]>([
  ['an identity token by POST', identity, 200, ['POST']],
  ['an identity token by GET where there is no POST', identity, 404, ['POST', 'GET']],
  ['an identity token by GET where POST is refused', identity, 405, ['POST', 'GET']],
  ['a password by GET', basic, 200, ['GET']],
  ['a password by POST where there is no GET', basic, 405, ['GET', 'POST']],
])('a token is asked for with %s', async (_, credentials, first, methods) => {
  const seen: TokenRequest[] = []
  const send = async (request: TokenRequest): Promise<TokenAnswer> => {
    seen.push(request)
    const status = seen.length === 1 ? first : 200
    return { status, bytes: Buffer.from(status === 200 ? '{"token":"t"}' : '') }
  }
  const account = { credentials, origin: 'file' }
  expect(await createTokens(send, createSecrets()).get({ ...query, account })).toBe('t')
  expect(seen.map(({ method }) => method)).toEqual(methods)
})
