import { lookup } from 'node:dns'
import type { LookupFunction, OnReadOpts } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { messageOf, OrchError } from '@orch/oci'
import type { buildConnector } from 'undici'
import { bareHost, isIp, type Reach, reachOf } from './address.ts'
import type { Certificates } from './certificates.ts'
import { openTunnel } from './tunnel.ts'
import { buildConnector as makeConnector } from './undici.ts'

export interface ConnectorOptions {
  readonly certificates: Certificates
  readonly skipVerify: boolean
  readonly proxy: URL | undefined
  /** Asked about every address before anything is sent to it. */
  readonly mayConnect?: (reach: Reach) => boolean
  /** Hears where a connection went; not when a proxy made it. */
  readonly onConnect?: (reach: Reach) => void
}

const waits = {
  timeout: 10_000,
  /** Node waits 250 ms for an address before it tries the next, too short for far networks. */
  autoSelectFamilyAttemptTimeout: 2000,
}

/** Makes a connection; `landing` says where a reader without a stream wants its bytes, which no tunnel can. */
export type Connect = (
  target: buildConnector.Options,
  callback: buildConnector.Callback,
  landing?: OnReadOpts,
) => void

/** An address that a registry may not send us to. */
export class RefusedAddress extends Error {}

/**
 * Makes connections for undici: resolves, refuses forbidden addresses at connect time (so that a name
 * that changes its address is caught too), goes through the proxy, and speaks TLS. Where a name leads
 * behind a proxy is the proxy's affair; addresses are refused before it hears of them. The system's
 * authorities are read only when those of Mozilla, which Node brings, do not know the certificate.
 * Throws `REGISTRY_CERTIFICATES`.
 */
export function createConnector(options: ConnectorOptions): Connect {
  const { certificates, skipVerify, proxy, mayConnect, onConnect } = options
  const make = (authorities: readonly string[]): Connect => {
    const given: buildConnector.BuildOptions = {
      ...waits,
      rejectUnauthorized: !skipVerify,
      ...(isPlain(certificates, authorities)
        ? {}
        : { secureContext: secureContext(certificates, authorities) }),
      ...(mayConnect === undefined ? {} : { lookup: guardedLookup(mayConnect) }),
    }
    const plain = makeConnector(given)
    return (target, callback, landing) => {
      const to = landing === undefined ? plain : makeConnector({ ...given, onread: landing })
      to(target, callback)
    }
  }
  const connect = make([])
  let withSystem: Connect | undefined
  const direct: Connect = (target, callback, landing) => {
    const done: buildConnector.Callback = (...[error, socket]) => {
      const seen = proxy === undefined ? socket?.remoteAddress : undefined
      if (seen !== undefined) onConnect?.(reachOf(seen))
      if (error === null) callback(null, socket)
      else callback(error, null)
    }
    if (withSystem !== undefined) return withSystem(target, done, landing)
    const first: buildConnector.Callback = (...[error, socket]) => {
      // A tunnel cannot be used twice; the next connection will have the system's authorities.
      if (error !== null && isUntrusted(error) && withSystem === undefined) {
        withSystem = make(getCACertificates('system'))
        if (target.httpSocket === undefined) return withSystem(target, done, landing)
      }
      if (error === null) done(null, socket)
      else done(error, null)
    }
    connect(target, first, landing)
  }
  const onward = proxy === undefined ? direct : throughProxy(proxy, direct)
  return (target, callback, landing) => {
    const host = bareHost(target.hostname)
    if (mayConnect === undefined || !isIp(host) || mayConnect(reachOf(host)))
      onward(target, callback, landing)
    else callback(new RefusedAddress(`${host} is ${reachOf(host)}`), null)
  }
}

function isPlain({ authorities, pairs }: Certificates, more: readonly string[]): boolean {
  return authorities.length === 0 && pairs.length === 0 && more.length === 0
}

function secureContext(certificates: Certificates, more: readonly string[]): SecureContext {
  const { authorities, pairs } = certificates
  try {
    return createSecureContext({
      ca: [...new Set([...getCACertificates('default'), ...more, ...authorities])],
      cert: pairs.map(({ cert }) => cert),
      key: pairs.map(({ key }) => key),
    })
  } catch (cause) {
    throw new OrchError(
      'REGISTRY_CERTIFICATES',
      `the certificates for a registry cannot be used: ${messageOf(cause)}`,
      { hint: 'They must be PEM, and each key must belong to its certificate.', cause },
    )
  }
}

/** dns.lookup that leaves out the addresses that are refused. */
function guardedLookup(mayConnect: (reach: Reach) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const allowed = addresses.filter(({ address }) => mayConnect(reachOf(address)))
      const [first] = allowed
      if (first === undefined) {
        const [refused] = addresses
        const why = `${hostname} is ${refused === undefined ? 'nowhere' : reachOf(refused.address)}`
        return callback(new RefusedAddress(why), [])
      }
      if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

function isUntrusted(error: Error): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return /^(UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF)|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF)/.test(
    code,
  )
}

/** TLS by a tunnel, whose end `direct` speaks to; without TLS the proxy itself, which passes requests on. */
function throughProxy(proxy: URL, direct: Connect): Connect {
  const toProxy = makeConnector(waits)
  return (target, callback) => {
    if (target.protocol !== 'https:') {
      const { hostname, host, protocol, port } = proxy
      toProxy({ hostname: bareHost(hostname), host, protocol, port }, (...[error, socket]) => {
        if (error === null) callback(null, socket)
        else callback(new Error(`the proxy ${host}: ${error.message}`, { cause: error }), null)
      })
      return
    }
    const { hostname, port } = target
    openTunnel(proxy, { hostname, port: port || '443' }).then(
      tunnel => direct({ ...target, httpSocket: tunnel }, callback),
      (error: Error) => callback(error, null),
    )
  }
}
