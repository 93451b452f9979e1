import { OrchError } from '@orch/oci'
import type { Host } from '../hosts/hosts.ts'
import { problemsOf, wordsOf } from '../problems.ts'
import { basicValue, type Found, secretOf } from './credentials.ts'
import { untoldHint } from './realm.ts'
import type { Secrets } from './secrets.ts'

/** What a token is asked for with. */
export interface TokenQuery {
  readonly host: Host
  readonly realm: URL
  readonly service: string | undefined
  /** The newest first: some servers read only the first. */
  readonly scopes: readonly string[]
  /** None: an anonymous token. */
  readonly account: Found | undefined
  /** There are credentials, but the realm may not learn them. */
  readonly isUntold?: boolean
}

/** A request to a token server. Retried by whoever sends it. */
export interface TokenRequest {
  readonly host: Host
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly form?: string
}

export interface TokenAnswer {
  readonly status: number
  readonly bytes: Uint8Array
}

/** Access tokens, each asked for once as long as it holds. */
export interface Tokens {
  get(query: TokenQuery): Promise<string>
  /** A token that a registry refused, although it should have held. */
  forget(token: string): void
}

/** What the specification says a token holds at least (distribution, spec/auth/token.md). */
const leastSeconds = 60
const marginMilliseconds = 10_000
const unsupported = new Set([404, 405, 501])

/**
 * Access tokens as distribution's spec/auth/token.md (GET) and spec/auth/oauth.md (POST) have them: an
 * identity token by POST, and by GET where there is no POST; a password by GET, and by POST where there
 * is no GET. Throws `REGISTRY_DENIED`, `REGISTRY_TOKEN` and what `send` throws.
 */
export function createTokens(
  send: (request: TokenRequest) => Promise<TokenAnswer>,
  secrets: Secrets,
): Tokens {
  const held = new Map<string, Promise<Token>>()
  const ask = (key: string, query: TokenQuery): Promise<Token> => {
    const asked = askFor(query, send, secrets)
    held.set(key, asked)
    asked.catch(() => held.delete(key))
    return asked
  }
  return {
    async get(query) {
      const key = keyOf(query)
      for (;;) {
        const one = held.get(key) ?? ask(key, query)
        const token = await one
        if (Date.now() < token.until) return token.value
        if (held.get(key) === one) held.delete(key)
      }
    },
    forget(token) {
      for (const [key, one] of held) {
        one.then(
          ({ value }) => value === token && held.get(key) === one && held.delete(key),
          () => undefined,
        )
      }
    },
  }
}

interface Token {
  readonly value: string
  readonly until: number
}

function keyOf({ host, realm, service, scopes, account }: TokenQuery): string {
  const who = account && [account.credentials.kind, account.origin, secretOf(account.credentials)]
  return JSON.stringify([host.domain, realm.href, service, scopes, who])
}

async function askFor(
  query: TokenQuery,
  send: (request: TokenRequest) => Promise<TokenAnswer>,
  secrets: Secrets,
): Promise<Token> {
  const credentials = query.account?.credentials
  const ways =
    credentials === undefined || credentials.kind === 'registry'
      ? [getRequest(query)]
      : credentials.kind === 'basic'
        ? [
            getRequest(query),
            postRequest(query, {
              grant_type: 'password',
              username: credentials.user,
              password: credentials.password,
            }),
          ]
        : [
            postRequest(query, { grant_type: 'refresh_token', refresh_token: credentials.token }),
            ...(credentials.user === '' ? [] : [getRequest(query)]),
          ]
  let answer: TokenAnswer | undefined
  for (const way of ways) {
    answer = await send(way)
    if (!unsupported.has(answer.status)) break
  }
  if (answer === undefined || answer.status !== 200) throw refused(query, answer, secrets)
  return readToken(query, answer.bytes, secrets)
}

function getRequest({ host, realm, service, scopes, account }: TokenQuery): TokenRequest {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  const credentials = account?.credentials
  if (credentials === undefined || credentials.kind === 'registry')
    return { host, method: 'GET', url, headers: {} }
  url.searchParams.set('account', credentials.user)
  const authorization = `Basic ${basicValue(credentials.user, secretOf(credentials))}`
  return { host, method: 'GET', url, headers: { authorization } }
}

function postRequest(
  { host, realm, service, scopes }: TokenQuery,
  grant: Readonly<Record<string, string>>,
): TokenRequest {
  const form = new URLSearchParams(grant)
  form.set('client_id', 'orch')
  if (service !== undefined) form.set('service', service)
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return { host, method: 'POST', url: new URL(realm), headers, form: form.toString() }
}

function readToken({ host, realm }: TokenQuery, bytes: Uint8Array, secrets: Secrets): Token {
  let answer: Record<string, unknown> | null = null
  try {
    answer = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    // Told below, without the parser's words, which would quote a token.
  }
  const value = answer?.['token'] || answer?.['access_token']
  if (typeof value !== 'string' || value.length > 64 * 1024 || !/^[\x21-\x7e]+$/.test(value)) {
    throw new OrchError(
      'REGISTRY_TOKEN',
      `${realm.host} answered ${host.domain}'s users without a token`,
      {
        hint: 'Ask whoever runs the token server.',
      },
    )
  }
  secrets.add(value)
  const seconds = Number(answer?.['expires_in'])
  const life = Math.max(leastSeconds, Number.isFinite(seconds) ? seconds : 0) * 1000
  // Counted from when it came, so that clocks need not agree.
  return { value, until: Date.now() + life - Math.min(marginMilliseconds, life / 6) }
}

function refused(
  { host, realm, account, isUntold }: TokenQuery,
  answer: TokenAnswer | undefined,
  secrets: Secrets,
): OrchError {
  const status = answer?.status ?? 0
  const words = wordsOf(problemsOf(answer?.bytes ?? new Uint8Array()), secrets.hide)
  const using = account === undefined ? '' : ` with the credentials of ${account.origin}`
  const again = account === undefined ? 'Log in' : 'Log in again'
  if (status === 429 || status >= 500) {
    return new OrchError(
      status === 429 ? 'REGISTRY_BUSY' : 'REGISTRY_BROKEN',
      `${realm.host}, the token server of ${host.domain}, answered HTTP ${status}${words}`,
      { hint: 'Try again later.' },
    )
  }
  return new OrchError(
    [400, 401, 403].includes(status) ? 'REGISTRY_DENIED' : 'REGISTRY_TOKEN',
    `${realm.host} gave no token for ${host.domain}${using}: HTTP ${status}${words}`,
    { hint: isUntold ? untoldHint(host, realm) : `${again}: docker login ${host.domain}` },
  )
}
