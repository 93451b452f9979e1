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

/** Domains whose names belong to many: a name beside a registry's may be anybody's. */
const shared = new Set(
  (
    'amazonaws.com awsapprunner.com azurecr.io azurewebsites.net azurecontainer.io cloudapp.net ' +
    'cloudfront.net cloud.run digitaloceanspaces.com duckdns.org fly.dev gcr.io github.io gitlab.io ' +
    'herokuapp.com icr.io jfrog.io netlify.app ngrok.io ngrok.app ngrok-free.app ocir.io onrender.com ' +
    'pages.dev pkg.dev pythonanywhere.com run.app sslip.io trycloudflare.com ts.net vercel.app ' +
    'web.app windows.net workers.dev nip.io'
  ).split(' '),
)

const ofCountry = new Set(
  'ac asn biz co com edu firm gen go gob gov gv id in info ltd me mil ne net nhs nom or org plc sch web'.split(
    ' ',
  ),
)

/**
 * Whether a token server may be told the registry's credentials: it is the registry's own host (any
 * port), a name below it, the domain above it or a name below that (`registry.gitlab.com` →
 * `gitlab.com`, `registry-1.docker.io` → `auth.docker.io`), or `tokenServers` of the registry's settings
 * names it. The domain above counts only when it has two labels or more, is no public suffix like
 * `co.uk`, and is not one whose names are given to many. Whatever else is asked without credentials.
 */
export function mayLearnCredentials(host: Host, realm: URL): boolean {
  const registry = plain(host.origin.hostname)
  const server = plain(realm.hostname)
  if (server === registry) return true
  if (host.settings.tokenServers?.some(name => name === server || name === realm.host)) return true
  if (isLoopbackHost(registry) && isLoopbackHost(server)) return true
  // Plain HTTP proves no name: only the host that the operator wrote, or named, is told.
  if (realm.protocol !== 'https:' || isIp(registry) || isIp(server)) return false
  if (!registry.includes('.')) return false
  if (!isShared(registry) && server.endsWith(`.${registry}`)) return true
  const parent = registry.slice(registry.indexOf('.') + 1)
  return !isShared(parent) && (server === parent || server.endsWith(`.${parent}`))
}

/** What to do about credentials that a token server was not told. */
export function untoldHint({ domain }: Host, { host }: URL): string {
  return `The credentials of ${domain} were not sent to its token server ${host}, which is of another domain; if it is right, name it in registries.${domain}.token-servers of the project file.`
}

function isShared(domain: string): boolean {
  const labels = domain.split('.')
  const [second = '', top = ''] = labels.slice(-2)
  if (labels.length < 2) return true
  // co.uk, com.au, ac.jp: below the domain of a country, these belong to nobody.
  if (labels.length === 2 && top.length === 2 && ofCountry.has(second)) return true
  return labels.some((_, from) => shared.has(labels.slice(from).join('.')))
}

function plain(hostname: string): string {
  return bareHost(hostname).replace(/\.$/, '').toLowerCase()
}
