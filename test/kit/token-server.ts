import { createSign, randomUUID, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { text } from 'node:stream/consumers'
import { selfSigned, serverOptions } from './certificates.ts'
import { listen } from './listen.ts'
import { tempFolder } from './temp.ts'

/** Who may log in, everywhere in the kit. The password has what encodings stumble over. */
export const account = { name: 'orch', password: 'kit:pass/word+canary=' } as const

/** What a token is asked for: `{type: 'repository', name: 'team/x', actions: ['pull']}`. */
export interface Access {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** A request for a token that was answered. */
export interface TokenRequest {
  readonly method: string
  /** How the client said who it is. */
  readonly by: 'nothing' | 'basic' | 'password' | 'refresh'
  /** As they were asked for, in this order. */
  readonly scopes: readonly string[]
  readonly granted: readonly Access[]
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** What a test changes about the server, at any time. */
export interface TokenSettings {
  /** Seconds for which registries accept a token; 300. Real ones allow 60 s more by themselves: that is taken off. */
  life: number
  /** The `expires_in` that is told; `life` unless set, absent with `null`. */
  says: number | null | undefined
  /** Whether pulls need no account; false. */
  isPublic: boolean
  /** Takes an action away that was asked for. */
  deny: (access: Access, action: string) => boolean
  /** Which scopes are read: some servers know only the first, GitLab only the last. */
  reads: 'all' | 'first' | 'last'
  /** POST is answered with 404 or 405, as servers do that only know GET. */
  refusesPost: 404 | 405 | undefined
  /** The name of the token in answers to GET. */
  field: 'token' | 'access_token'
  /** Whether a refresh token is given with each. */
  givesRefresh: boolean
  /** The identity tokens that stand for the account. */
  identityTokens: string[]
}

/** A server of tokens as Docker's specification has it, by GET and by POST. */
export interface TokenServer {
  readonly realm: string
  readonly service: string
  readonly issuer: string
  /** The PEM file that registries are told to trust. */
  readonly certificate: string
  readonly settings: TokenSettings
  readonly requests: TokenRequest[]
  /** Whether a token is one of this server's, lives and allows the action; with no repository any does. For the scripted registry. */
  allows(token: string, repository: string, action: string): boolean
  /** Every token given so far is refused from now on by the scripted registry. */
  revoke(): void
  close(): Promise<void>
}

/** The seconds that distribution accepts a token after its end. */
const leeway = 60

/** Starts a token server on 127.0.0.1; `name` is what its realm calls that. Needs openssl. */
export async function startTokenServer({
  tls = false,
  name = '127.0.0.1',
}: {
  readonly tls?: boolean
  readonly name?: string
} = {}): Promise<TokenServer> {
  const certificate = await selfSigned(await tempFolder('tokens'), 'orch-kit')
  const key = await readFile(certificate.key, 'utf8')
  const x5c = new X509Certificate(await readFile(certificate.cert)).raw.toString('base64')
  const [service, issuer] = ['orch-kit', 'orch-kit-issuer']
  const settings: TokenSettings = {
    life: 300,
    says: undefined,
    isPublic: false,
    deny: () => false,
    reads: 'all',
    refusesPost: undefined,
    field: 'token',
    givesRefresh: false,
    identityTokens: ['kit-identity-token-canary'],
  }
  const requests: TokenRequest[] = []
  const given = new Map<string, { readonly until: number; readonly access: readonly Access[] }>()

  function sign(subject: string, access: readonly Access[]): string {
    const now = Math.floor(Date.now() / 1000)
    const times = { iat: now - leeway, nbf: now - leeway, exp: now + settings.life - leeway }
    const claims = { iss: issuer, aud: service, sub: subject, jti: randomUUID(), ...times, access }
    const content = `${json64({ typ: 'JWT', alg: 'ES256', x5c: [x5c] })}.${json64(claims)}`
    const signature = createSign('sha256')
      .update(content)
      .sign({ key, dsaEncoding: 'ieee-p1363' }, 'base64url')
    const token = `${content}.${signature}`
    given.set(token, { until: Date.now() + settings.life * 1000, access })
    return token
  }

  async function answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const { method = '', headers } = request
    const asked =
      method === 'POST'
        ? new URLSearchParams(await text(request))
        : new URL(request.url ?? '/', 'http://kit').searchParams
    const scopes = asked.getAll('scope').flatMap(scope => scope.split(' ').filter(Boolean))
    const who = identify(method, headers.authorization, asked, settings)
    const read = { all: scopes, first: scopes.slice(0, 1), last: scopes.slice(-1) }[settings.reads]
    const granted = read
      .map(parseScope)
      .map(access => ({ ...access, actions: access.actions.filter(one => may(access, one)) }))
    function may(access: Access, action: string): boolean {
      const isKnown = who.isKnown || (settings.isPublic && action === 'pull')
      return isKnown && !settings.deny(access, action)
    }
    const refused = method === 'POST' ? settings.refusesPost : undefined
    const isWrong = who.by !== 'nothing' && !who.isKnown
    const status = refused ?? (isWrong ? 401 : 200)
    requests.push({ method, by: who.by, scopes, granted, status, headers: { ...headers } })
    if (status !== 200)
      return { status, body: { errors: [{ code: 'UNAUTHORIZED', message: 'no' }] } }
    const token = sign(who.isKnown ? account.name : '', granted)
    const says = settings.says === undefined ? settings.life : settings.says
    const [refresh] = settings.identityTokens
    return {
      status,
      body: {
        [method === 'POST' ? 'access_token' : settings.field]: token,
        ...(says !== null && { expires_in: says }),
        issued_at: new Date().toISOString(),
        ...(settings.givesRefresh && { refresh_token: refresh }),
      },
    }
  }

  const server: Server = tls ? createTlsServer(await serverOptions()) : createServer()
  server.on('request', (request, response) => {
    answer(request).then(
      ({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      },
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    )
  })
  const { port, close } = await listen(server)
  return {
    realm: `${tls ? 'https' : 'http'}://${name}:${port}/token`,
    service,
    issuer,
    certificate: certificate.cert,
    settings,
    requests,
    allows(token, repository, action) {
      const { until = 0, access = [] } = given.get(token) ?? {}
      if (repository === '') return Date.now() < until
      const isNamed = access.some(one => one.name === repository && one.actions.includes(action))
      return Date.now() < until && isNamed
    },
    revoke: () => given.clear(),
    close,
  }
}

function identify(
  method: string,
  authorization: string | undefined,
  asked: URLSearchParams,
  settings: TokenSettings,
): { readonly by: TokenRequest['by']; readonly isKnown: boolean } {
  const refresh = asked.get('refresh_token') ?? ''
  if (method === 'POST' && asked.get('grant_type') === 'refresh_token')
    return { by: 'refresh', isKnown: settings.identityTokens.includes(refresh) }
  if (method === 'POST' && asked.get('grant_type') === 'password') {
    const [name, password] = [asked.get('username'), asked.get('password')]
    return { by: 'password', isKnown: name === account.name && password === account.password }
  }
  if (authorization === undefined) return { by: 'nothing', isKnown: false }
  return { by: 'basic', isKnown: authorization === basic }
}

/** The Authorization of the account. */
export const basic: string = `Basic ${Buffer.from(`${account.name}:${account.password}`).toString('base64')}`

/** `repository:host:5000/team/x:pull,push`: the name may hold colons. */
function parseScope(scope: string): Access {
  const [type = '', ...rest] = scope.split(':')
  const actions = (rest.pop() ?? '').split(',').filter(Boolean)
  return { type, name: rest.join(':'), actions }
}

function json64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
