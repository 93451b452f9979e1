import type { Dispatcher } from 'undici'
import type { HostSettings, RegistryOptions } from '../types.ts'
import { isIp, isLoopbackHost, mayReach, type Reach, reachOf } from './address.ts'
import { type Certificates, certificateFolders, readCertificates } from './certificates.ts'
import { type Connect, type ConnectorOptions, createConnector } from './connector.ts'
import { createSlots, type Slots } from './limit.ts'
import { proxyFor } from './proxy.ts'
import { speaksTls } from './scheme.ts'
import { proxyHeaders } from './tunnel.ts'
import { Agent } from './undici.ts'

/** A registry as it is spoken to. */
export interface Host {
  /** As references name it: `docker.io`. */
  readonly domain: string
  /** Where it is: `https://registry-1.docker.io`. */
  readonly origin: URL
  readonly settings: HostSettings
  readonly slots: Slots
  /** Where connections to it went; `public` until one was made. */
  reach(): Reach
}

/** A proxy that passes on requests without TLS. */
export interface Relay {
  /** For messages. */
  readonly name: string
  /** What it wants beside a request's own headers. */
  readonly headers: Readonly<Record<string, string>>
}

/** The connections to one origin. */
export interface Connections {
  readonly dispatcher: Dispatcher
  /** Makes those for much at once (transport/bulk.ts); undefined where a proxy is between. */
  readonly connect: Connect | undefined
  /** Set where requests go to a proxy that passes them on: their target is then the whole address (RFC 9112, 3.2.2). */
  readonly relay: Relay | undefined
  /** Whether its answers can be read in bulk, as far as is known. */
  speaksPlainly: boolean
}

export interface Hosts {
  /** Throws `REGISTRY_CERTIFICATES`, `REGISTRY_CERTIFICATE_HALF`. */
  get(domain: string): Promise<Host>
  /** The connections to use for an address that a registry named. Its own origin has its own. */
  connections(host: Host, url: URL): Promise<Connections>
  close(): Promise<void>
}

const defaultConcurrency = 8
const headersMilliseconds = 60_000
const bodyMilliseconds = 60_000
const publicFirst: readonly Reach[] = ['public', 'private', 'loopback', 'local']

export function createHosts(
  options: Pick<RegistryOptions, 'hosts' | 'env' | 'signal'>,
  folders: readonly string[] = certificateFolders(options.env),
): Hosts {
  const { env } = options
  const configured = options.hosts ?? {}
  const known = new Map<string, Promise<Host>>()
  const agents = new Map<string, Promise<Connections>>()
  const seen = new Map<string, Reach>()

  const settingsOf = (domain: string): HostSettings | undefined =>
    Object.hasOwn(configured, domain) ? configured[domain] : undefined

  /** Whether a host is spoken to without TLS; undefined when it had to be asked and did not answer. */
  const speaksPlain = async (
    authority: string,
    { plainHttp, skipVerify }: HostSettings,
  ): Promise<boolean | undefined> => {
    const mayBeBoth = plainHttp === true && skipVerify === true
    if (plainHttp !== undefined && !mayBeBoth) return plainHttp
    const { hostname, port } = new URL(`http://${authority}`)
    // Unasked, only this machine is spoken to without TLS.
    if (!mayBeBoth && !isLoopbackHost(hostname)) return false
    // A URL leaves out port 80, which is that of plain HTTP.
    if (port === '' && /:80$/.test(authority)) return true
    const speaker = { hostname, port, proxy: tlsProxy(authority) }
    const answer = await speaksTls(speaker, options.signal)
    return answer === undefined ? undefined : !answer
  }
  const tlsProxy = (authority: string): URL | undefined =>
    proxyFor(new URL(`https://${authority}`), env)

  const make = async (domain: string): Promise<Host> => {
    const settings = settingsOf(domain) ?? {}
    const authority = domain === 'docker.io' ? 'registry-1.docker.io' : domain
    const asked = await speaksPlain(authority, settings)
    // A registry that is down may come back with TLS: it is asked again next time.
    if (asked === undefined) known.delete(domain)
    // Behind a proxy it is not known who would hear what is said without TLS.
    const isPlain = asked ?? tlsProxy(authority) === undefined
    const origin = new URL(`${isPlain ? 'http' : 'https'}://${authority}`)
    return {
      domain,
      origin,
      settings,
      slots: createSlots(settings.concurrency ?? defaultConcurrency),
      reach: () =>
        seen.get(domain) ?? (isIp(origin.hostname) ? reachOf(origin.hostname) : 'public'),
    }
  }

  const ownAgent = async (host: Host): Promise<Connections> => {
    const certificates = await readCertificates(host.domain, host.settings, folders)
    return connectionsBy(host.origin, {
      certificates,
      skipVerify: host.settings.skipVerify ?? false,
      proxy: proxyFor(host.origin, env),
      // A name with public and private addresses counts as public: the stricter rule holds.
      onConnect: reach => {
        const before = seen.get(host.domain)
        if (before === undefined || publicFirst.indexOf(reach) < publicFirst.indexOf(before))
          seen.set(host.domain, reach)
      },
    })
  }

  /**
   * Another host has its own settings. Without any it trusts the registry's authorities too; the
   * registry's client certificate and its leave not to verify go only to other ports of its own host.
   */
  const foreignAgent = async (host: Host, url: URL): Promise<Connections> => {
    const settings = settingsOf(url.host)
    const isSameHost = url.hostname === host.origin.hostname
    const own = await readCertificates(url.host, settings ?? {}, folders)
    const of = await readCertificates(host.domain, host.settings, folders)
    const certificates: Certificates = {
      authorities: [...own.authorities, ...of.authorities],
      pairs: isSameHost && own.pairs.length === 0 ? of.pairs : own.pairs,
    }
    return connectionsBy(url, {
      certificates,
      skipVerify: settings?.skipVerify ?? (isSameHost && host.settings.skipVerify === true),
      proxy: proxyFor(url, env),
      // Whoever names a host in the settings says that it may be spoken to.
      ...(settings === undefined
        ? { mayConnect: (reach: Reach) => mayReach(host.reach(), reach) }
        : {}),
    })
  }

  return {
    get(domain) {
      const found = known.get(domain)
      if (found !== undefined) return found
      const made = make(domain)
      known.set(domain, made)
      made.catch(() => known.delete(domain))
      return made
    },
    connections(host, url) {
      const isOwn = url.origin === host.origin.origin
      const key = isOwn ? host.domain : `${host.domain} ${host.reach()} ${url.origin}`
      const found = agents.get(key)
      if (found !== undefined) return found
      const made = isOwn ? ownAgent(host) : foreignAgent(host, url)
      agents.set(key, made)
      made.catch(() => agents.delete(key))
      return made
    },
    async close() {
      const made = await Promise.allSettled(agents.values())
      agents.clear()
      await Promise.all(
        made.map(one => (one.status === 'fulfilled' ? one.value.dispatcher.destroy() : undefined)),
      )
    },
  }
}

function connectionsBy(url: URL, options: ConnectorOptions): Connections {
  const connect = createConnector(options)
  const dispatcher = new Agent({
    connect,
    headersTimeout: headersMilliseconds,
    bodyTimeout: bodyMilliseconds,
    pipelining: 1,
  })
  const { proxy } = options
  const relay = url.protocol === 'https:' ? undefined : proxy
  return {
    dispatcher,
    connect: proxy === undefined ? connect : undefined,
    relay: relay && { name: relay.host, headers: proxyHeaders(relay) },
    speaksPlainly: true,
  }
}
