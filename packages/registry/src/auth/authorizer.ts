import type { Host } from '../hosts/hosts.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import { basicValue, type Found } from './credentials.ts'
import type { Keychain } from './keychain.ts'
import { mayLearnCredentials, realmOf } from './realm.ts'
import { type Scope, scopesBeyond, scopeTexts } from './scope.ts'
import type { Secrets } from './secrets.ts'
import type { Tokens } from './token.ts'

/** Who asks a host for what. */
export interface Asking {
  readonly host: Host
  readonly scopes: readonly Scope[]
}

/** Finds the Authorization of requests: by what a host's last challenge said, and by the keychain. */
export interface Authorizer {
  /** The header's value by what is known so far; undefined before a first challenge, and for anonymous Basic. */
  authorization(asking: Asking): Promise<string | undefined>
  /**
   * Takes in the challenge of a 401. `used` is what the refused request carried; its token is not used again.
   * @returns whether the challenge is one that orch can answer
   */
  challenged(asking: Asking, header: string | undefined, used: string | undefined): boolean
  /** A token without credentials for another host, to which this one redirected. */
  anonymous(host: Host, header: string | undefined): Promise<string | undefined>
  /** Where the credentials of a request came from, and a token server that was not told them. */
  account(
    asking: Asking,
  ): Promise<{ readonly found: Found | undefined; readonly untold: URL | undefined }>
  /** Asks for a new token next time: the connection broke while a body was sent, which may be how a 401 looks. */
  doubt(authorization: string | undefined): void
}

type Way =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: URL; readonly service: string | undefined }

export function createAuthorizer(keychain: Keychain, tokens: Tokens, secrets: Secrets): Authorizer {
  const ways = new Map<string, Way>()
  const beyond = new Map<string, readonly string[]>()

  const find = ({ host, scopes }: Asking): Promise<Found | undefined> =>
    keychain.find(host.domain, scopes[0]?.repository)
  const keyOf = ({ host }: Asking, ours: readonly string[]): string =>
    [host.domain, ...ours].join(' ')

  const doubt = (authorization: string | undefined): void => {
    if (authorization?.startsWith('Bearer ')) tokens.forget(authorization.slice('Bearer '.length))
  }

  return {
    async authorization(asking) {
      const way = ways.get(asking.host.domain)
      if (way === undefined) return undefined
      const found = await find(asking)
      const credentials = found?.credentials
      if (credentials?.kind === 'registry') return `Bearer ${credentials.token}`
      if (way.scheme === 'basic') {
        return credentials?.kind === 'basic'
          ? `Basic ${basicValue(credentials.user, credentials.password)}`
          : undefined
      }
      const { host } = asking
      const { realm, service } = way
      const isTold = await mayLearnCredentials(host, realm)
      const account = isTold ? found : undefined
      const isUntold = !isTold && found !== undefined
      const ours = scopeTexts(asking.scopes)
      const scopes = [...ours, ...(beyond.get(keyOf(asking, ours)) ?? [])]
      return `Bearer ${await tokens.get({ host, realm, service, scopes, account, isUntold })}`
    },
    challenged(asking, header, used) {
      doubt(used)
      const { host } = asking
      const [challenge] = answerable(header)
      if (challenge === undefined) return false
      const { scheme, parameters } = challenge
      if (scheme === 'basic') ways.set(host.domain, { scheme })
      else {
        const realm = realmOf(parameters.get('realm') ?? '', host, secrets)
        ways.set(host.domain, { scheme: 'bearer', realm, service: parameters.get('service') })
        const ours = scopeTexts(asking.scopes)
        const more = scopesBeyond(parameters.get('scope'), ours)
        if (more.length > 0) beyond.set(keyOf(asking, ours), more)
      }
      return true
    },
    async anonymous(host, header) {
      const challenge = answerable(header).find(({ scheme }) => scheme === 'bearer')
      if (challenge === undefined) return undefined
      const { parameters } = challenge
      const realm = realmOf(parameters.get('realm') ?? '', host, secrets)
      const scopes = scopesBeyond(parameters.get('scope'), [])
      const service = parameters.get('service')
      return `Bearer ${await tokens.get({ host, realm, service, scopes, account: undefined })}`
    },
    async account(asking) {
      const found = await find(asking)
      const way = ways.get(asking.host.domain)
      const isUntold =
        found !== undefined &&
        way?.scheme === 'bearer' &&
        !(await mayLearnCredentials(asking.host, way.realm))
      return { found, untold: isUntold ? way.realm : undefined }
    },
    doubt,
  }
}

/** The challenges that can be answered, Bearer before Basic. */
function answerable(header: string | undefined): readonly Challenge[] {
  const all = parseChallenges(header ?? '')
  return [
    ...all.filter(({ scheme, parameters }) => scheme === 'bearer' && parameters.get('realm')),
    ...all.filter(({ scheme }) => scheme === 'basic'),
  ]
}
