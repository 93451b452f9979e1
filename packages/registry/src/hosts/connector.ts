import { lookup } from 'node:dns'
import type { LookupFunction, OnReadOpts } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { messageOf, OrchError } from '@orch/oci'
import type { buildConnector } from 'undici'
import { bareHost, isIp, type Reach, reachOf } from './address.ts'
import type { Certificates } from './certificates.ts'
import { Client, connectThrough, buildConnector as makeConnector } from './undici.ts'

export interface ConnectorOptions {
  readonly certificates: Certificates
  readonly skipVerify: boolean
  readonly proxy: URL | undefined
  /** Asked about every address before anything is sent to it. */
  readonly mayConnect?: (reach: Reach) => boolean
  /** Hears where a connection went; not when a proxy made it. */
  readonly onConnect?: (reach: Reach) => void
}

const connectMilliseconds = 10_000
/** Node waits 250 ms for an address before it tries the next, too short for far networks. */
const attemptMilliseconds = 2000

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
 * that changes its address is caught too), goes through the proxy, and speaks TLS. The system's
 * authorities are read only when those of Mozilla, which Node brings, do not know the certificate.
 * Throws `REGISTRY_CERTIFICATES`.
 */
export function createConnector(options: ConnectorOptions): Connect {
  const { certificates, skipVerify, proxy, mayConnect, onConnect } = options
  const make = (authorities: readonly string[]): Connect => {
    const given: buildConnector.BuildOptions = {
      timeout: connectMilliseconds,
      autoSelectFamilyAttemptTimeout: attemptMilliseconds,
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
    const host = bareHost(target.hostname)
    if (mayConnect !== undefined && isIp(host) && !mayConnect(reachOf(host))) {
      callback(new RefusedAddress(`${host} is ${reachOf(host)}`), null)
      return
    }
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
  return proxy === undefined ? direct : throughProxy(proxy, direct)
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

/** CONNECT (RFC 9110, 9.3.6) first, then what `direct` does upon the tunnel. */
function throughProxy(proxy: URL, direct: buildConnector.connector): buildConnector.connector {
  const { username, password, host: name } = proxy
  const account = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)
  const headers: Record<string, string> =
    username === '' ? {} : { 'proxy-authorization': `Basic ${account.toString('base64')}` }
  return (target, callback) => {
    const isTls = target.protocol === 'https:'
    const path = `${target.hostname}:${target.port || (isTls ? 443 : 80)}`
    const client = new Client(proxy.origin, { headersTimeout: connectMilliseconds })
    const fail = (error: Error): void => {
      void client.destroy()
      callback(error, null)
    }
    connectThrough.call(client, { path, headers: { ...headers, host: path } }).then(
      ({ socket, statusCode }) => {
        if (statusCode !== 200) {
          socket.on('error', () => undefined).destroy()
          return fail(new Error(`the proxy ${name} answered ${statusCode}`))
        }
        void client.close()
        const tunnel = socket as import('node:net').Socket
        if (isTls) direct({ ...target, httpSocket: tunnel }, callback)
        else callback(null, tunnel)
      },
      (error: Error) => fail(new Error(`the proxy ${name}: ${error.message}`, { cause: error })),
    )
  }
}
