import { OrchError, shown } from '@orch/oci'
import type { Credentials } from './credentials.ts'

/** What a configuration of Docker or podman says about credentials. Keys are `host[:port][/path]`. */
export interface ConfigFile {
  /** The path, or the variable that holds the document. */
  readonly origin: string
  readonly auths: ReadonlyMap<string, Credentials>
  /** An empty name: the host has no helper, and the store is not asked either. */
  readonly helpers: ReadonlyMap<string, string>
  readonly store: string | undefined
}

/** Docker Hub as Docker and its helpers know it: by its oldest address. */
export const hubKey = 'https://index.docker.io/v1/'
const hubNames = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/** A host as keys name it: all names of Docker Hub are `docker.io`. */
export function normalHost(host: string): string {
  const name = host.toLowerCase()
  return hubNames.has(name) ? 'docker.io' : name
}

/**
 * A key as it is compared: `https://index.docker.io/v1/` is `docker.io`. A key with a scheme names a
 * host; one without may name a repository or a folder of them (containers-auth.json(5)). Undefined for
 * an address that is no registry's, as `docker login` keeps what belongs to it:
 * `https://index.docker.io/v1/refresh-token`.
 */
function normalKey(key: string): string | undefined {
  const withoutScheme = key.replace(/^https?:\/\//i, '')
  const hasScheme = withoutScheme !== key
  const trimmed = withoutScheme.replace(/\/+$/, '').replace(/^([^/]+)\/v[12]$/, '$1')
  const slash = trimmed.indexOf('/')
  if (slash === -1) return normalHost(trimmed)
  return hasScheme ? undefined : `${normalHost(trimmed.slice(0, slash))}${trimmed.slice(slash)}`
}

/** By normal key. Of several the one that Docker itself would write counts. */
function keyed<T>(entries: readonly (readonly [string, T])[]): ReadonlyMap<string, T> {
  const rank = (key: string): number => (key === hubKey ? 2 : key === normalKey(key) ? 1 : 0)
  const byRank = entries.toSorted(([one], [other]) => rank(one) - rank(other))
  return new Map(
    byRank.flatMap(([key, value]) => {
      const normal = normalKey(key)
      return normal === undefined ? [] : [[normal, value] as const]
    }),
  )
}

/**
 * Reads config.json of Docker (cli/config/configfile) or auth.json of podman. Throws `REGISTRY_CONFIG`,
 * which names the place and never shows what stands there.
 */
export function parseConfigFile(text: string, origin: string): ConfigFile {
  const fail = (why: string): never => {
    throw new OrchError('REGISTRY_CONFIG', `${origin} cannot be used: ${why}`, {
      hint: 'Repair the file, or log in again to have it written.',
    })
  }
  let document: unknown
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    // The parser's own words quote the text, which holds passwords.
    return fail('it is not JSON')
  }
  if (!isRecord(document)) return fail('it is not a JSON object')
  const table = (name: string): [string, unknown][] => {
    const value = document[name] ?? {}
    return isRecord(value) ? Object.entries(value) : fail(`"${name}" is not an object`)
  }
  const auths: [string, Credentials][] = []
  for (const [key, entry] of table('auths')) {
    if (!isRecord(entry)) return fail(`the entry of ${shown(key)} is not an object`)
    const credentials = readEntry(entry, why => fail(`the entry of ${shown(key)} ${why}`))
    if (credentials !== undefined) auths.push([key, credentials])
  }
  const helpers: [string, string][] = []
  for (const [key, helper] of table('credHelpers')) {
    if (typeof helper !== 'string') return fail(`the helper of ${shown(key)} is not a name`)
    helpers.push([key, helper])
  }
  const store = document['credsStore'] ?? ''
  if (typeof store !== 'string') return fail('"credsStore" is not a name')
  return {
    origin,
    auths: keyed(auths),
    helpers: keyed(helpers),
    store: store === '' ? undefined : store,
  }
}

function readEntry(
  entry: Record<string, unknown>,
  fail: (why: string) => never,
): Credentials | undefined {
  const text = (name: string): string => {
    const value = entry[name] ?? ''
    return typeof value === 'string' ? value : fail(`has a "${name}" that is no text`)
  }
  let user = text('username')
  let password = text('password')
  const auth = text('auth').trim()
  if (auth !== '') {
    const decoded = Buffer.from(auth, 'base64').toString('utf8')
    const colon = decoded.indexOf(':')
    if (colon < 1) return fail('has an "auth" that is not base64 of user:password')
    user = decoded.slice(0, colon)
    // Docker's first files padded the password with zero bytes.
    password = decoded.slice(colon + 1).replace(/\0+$/, '')
  }
  const token = text('registrytoken')
  if (!/^[\x21-\x7e]*$/.test(token)) return fail('has a "registrytoken" that no header can carry')
  if (token !== '') return { kind: 'registry', token }
  if (text('identitytoken') !== '') return { kind: 'identity', user, token: text('identitytoken') }
  return user === '' ? undefined : { kind: 'basic', user, password }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
