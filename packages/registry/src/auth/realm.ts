import { OrchError, shown } from '@orch/oci'
import { bareHost, isIp, isLoopbackHost } from '../hosts/address.ts'
import type { Host } from '../hosts/hosts.ts'
import type { Secrets } from './secrets.ts'

/**
 * The token server of a challenge, resolved against the registry. It must speak TLS, unless the registry
 * itself does not, or both are on this machine. Throws `REGISTRY_REALM`.
 */
export function realmOf(text: string, host: Host, secrets: Secrets): URL {
  const refuse = (why: string): never => {
    throw new OrchError(
      'REGISTRY_REALM',
      `${host.domain} names the token server ${shown(secrets.hide(text))}, which ${why}`,
      { hint: 'Nothing was sent there. Ask whoever runs the registry.' },
    )
  }
  if (text.length > 4096 || !URL.canParse(text, host.origin.href)) return refuse('is no address')
  const url = new URL(text, host.origin.href)
  url.username = ''
  url.password = ''
  url.hash = ''
  if (url.protocol === 'https:') return url
  if (url.protocol !== 'http:') return refuse('is no address of the web')
  const both = isLoopbackHost(url.hostname) && isLoopbackHost(host.origin.hostname)
  return host.origin.protocol === 'http:' || both ? url : refuse('does not speak TLS')
}

/** Domains whose names belong to many, at any depth, beyond those that the public suffix list has. */
const shared =
  'amazonaws.com azurecr.io gcr.io jfrog.io nip.io ocir.io pkg.dev sslip.io windows.net'.split(' ')

/** Docker Hub answers by a name of another domain too. */
const hub = { registry: 'registry.hub.docker.com', server: 'auth.docker.io' }

/**
 * Whether a token server may be told the registry's credentials: it is the registry's own host (any
 * port), a name below it, the domain above it or a name below that (`registry.gitlab.com` →
 * `gitlab.com`, `registry-1.docker.io` → `auth.docker.io`), Docker Hub's, or `tokenServers` of the
 * registry's settings names it. A domain counts only below the public suffix of the token server
 * (publicsuffix.org, with those of companies), and when its names are not given to many. Whatever else
 * is asked without credentials.
 */
export async function mayLearnCredentials(host: Host, realm: URL): Promise<boolean> {
  const registry = plain(host.origin.hostname)
  const server = plain(realm.hostname)
  if (server === registry) return true
  if (host.settings.tokenServers?.some(name => name === server || name === realm.host)) return true
  if (isLoopbackHost(registry) && isLoopbackHost(server)) return true
  // Plain HTTP proves no name: only the host that the operator wrote, or named, is told.
  if (realm.protocol !== 'https:' || isIp(registry) || isIp(server)) return false
  if (registry === hub.registry && server === hub.server) return true
  const parent = registry.slice(registry.indexOf('.') + 1)
  const domain = [registry, parent].find(one => server === one || server.endsWith(`.${one}`))
  return domain !== undefined && !isShared(server) && domain.endsWith(`.${await suffixOf(server)}`)
}

/** What to do about credentials that a token server was not told. */
export function untoldHint({ domain }: Host, { host }: URL): string {
  return `The credentials of ${domain} were not sent to its token server ${host}, which is of another domain; if it is right, name it in registries.${domain}.token-servers of the project file.`
}

function isShared(server: string): boolean {
  return shared.some(domain => server === domain || server.endsWith(`.${domain}`))
}

/** What stands after the part of a name that somebody registered: `co.uk`, `github.io`. */
async function suffixOf(hostname: string): Promise<string> {
  // The list is long, and most registries never need it.
  const { getPublicSuffix } = await import('tldts')
  return getPublicSuffix(hostname, { allowPrivateDomains: true, extractHostname: false }) ?? ''
}

function plain(hostname: string): string {
  return bareHost(hostname).replace(/\.$/, '').toLowerCase()
}
