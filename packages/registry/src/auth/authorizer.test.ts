import { expect, it } from 'vitest'
import type { Host } from '../hosts/hosts.ts'
import { createAuthorizer } from './authorizer.ts'
import type { Keychain } from './keychain.ts'
import { createSecrets } from './secrets.ts'
import type { TokenQuery } from './token.ts'

const host: Host = {
  domain: 'ghcr.io',
  origin: new URL('https://ghcr.io'),
  settings: {},
  slots: { take: () => Promise.reject(new Error('unused')) },
  reach: () => 'public',
}
const keychain: Keychain = {
  places: [],
  find: async () => ({
    credentials: { kind: 'basic', user: 'a', password: 'canary' },
    origin: 'file',
  }),
}
const asking = { host, scopes: [{ repository: 'team/x', actions: ['pull' as const] }] }

it.each([
  ['https://ghcr.io/token', true],
  ['https://evil.example/token', false],
])('a token of %s is asked for with credentials: %s', async (realm, isTold) => {
  const queries: TokenQuery[] = []
  const tokens = {
    get: async (query: TokenQuery) => {
      queries.push(query)
      return 'token'
    },
    forget: () => undefined,
  }
  const authorizer = createAuthorizer(keychain, tokens, createSecrets())
  expect(authorizer.challenged(asking, `Bearer realm="${realm}"`, undefined)).toBe(true)
  expect(await authorizer.authorization(asking)).toBe('Bearer token')
  expect(queries.map(({ account }) => account !== undefined)).toEqual([isTold])
  const { untold } = await authorizer.account(asking)
  expect(untold?.href).toBe(isTold ? undefined : realm)
})

it('prefers Bearer to Basic, and takes Basic where the realm is missing', async () => {
  const tokens = { get: async () => 'token', forget: () => undefined }
  const authorizer = createAuthorizer(keychain, tokens, createSecrets())
  authorizer.challenged(asking, 'Basic realm="a", Bearer realm="/token"', undefined)
  expect(await authorizer.authorization(asking)).toBe('Bearer token')
  authorizer.challenged(asking, 'Bearer service="a", Basic realm="a"', undefined)
  expect(await authorizer.authorization(asking)).toMatch(/^Basic /)
})
