import { shown, UsageError } from '@orch/oci'
import type { Host } from './address.ts'

/** Where an engine listens when nobody says otherwise. */
export const defaultSocket = '/var/run/docker.sock'
const defaultPipe = '//./pipe/docker_engine'
const usualAddress = process.platform === 'win32' ? 'npipe://' : 'unix://'
const plainPort = 2375
/** The port that engines use with TLS. */
export const securePort = 2376

/**
 * Reads an address as Docker's CLI does (docker/cli, opts/hosts.go), and http:// and https:// too; an empty one is
 * the usual socket. Throws `DOCKER_HOST`.
 */
export function parseHost(given: string): Host {
  const text = given.trim() || usualAddress
  const [, scheme = 'tcp', rest = ''] = /^(?:([a-z0-9+.-]+):\/\/)?(.*)$/is.exec(text) ?? []
  switch (scheme) {
    case 'unix':
      return { kind: 'unix', path: rest || defaultSocket }
    case 'npipe':
      return { kind: 'npipe', path: rest || defaultPipe }
    case 'tcp':
      return parseTcp(text, rest, 'maybe')
    case 'http':
      return parseTcp(text, rest, 'never')
    case 'https':
      return parseTcp(text, rest, 'always')
    case 'ssh':
      return parseSsh(text)
    default:
      throw unreadable(text, `${shown(scheme)} is no way to reach an engine`)
  }
}

/** The address as Docker writes it, without what may be secret. */
export function formatHost(host: Host): string {
  const bracketed = (name: string): string => (name.includes(':') ? `[${name}]` : name)
  switch (host.kind) {
    case 'unix':
    case 'npipe':
      return `${host.kind}://${host.path}`
    case 'tcp':
      return `tcp://${bracketed(host.host)}:${host.port}${host.prefix}`
    case 'ssh': {
      const user = host.user === undefined ? '' : `${host.user}@`
      const port = host.port === undefined ? '' : `:${host.port}`
      return `ssh://${user}${bracketed(host.host)}${port}${host.path ?? ''}`
    }
  }
}

const authority = /^(?:\[([0-9a-f:.%]+)\]|([^\s:/?#@[\]]*))(?::(\d{1,5}))?(\/[^\s?#]*)?$/i

function parseTcp(text: string, rest: string, tls: 'always' | 'never' | 'maybe'): Host {
  // Other characters cannot be said in a request.
  const isOther = text.startsWith('/') || /[^ -~]/.test(text)
  const match = isOther ? null : authority.exec(rest)
  if (match === null) throw unreadable(text, 'it is not host:port')
  const [, six, name, given, path = ''] = match
  const port = given === undefined ? (tls === 'always' ? securePort : plainPort) : Number(given)
  if (port < 1 || port > 65535) throw unreadable(text, `${given} is no port`)
  return {
    kind: 'tcp',
    host: six ?? (name || 'localhost'),
    port,
    prefix: path.replace(/\/+$/, ''),
    tls,
  }
}

function parseSsh(text: string): Host {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') throw unreadable(text, 'it names no host')
  // An option, for whoever calls ssh.
  if (/^-/.test(url.hostname) || /^-/.test(decoded(url.username)))
    throw unreadable(text, 'a host or user does not begin with -')
  if (url.password !== '')
    throw unreadable(text, 'a password in it is never used: ssh asks for none of orch')
  if (url.search !== '' || url.hash !== '') throw unreadable(text, 'something follows the host')
  const path = decoded(url.pathname)
  return {
    kind: 'ssh',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    user: url.username === '' ? undefined : decoded(url.username),
    port: url.port === '' ? undefined : Number(url.port),
    path: /^\/*$/.test(path) ? undefined : path,
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // A lone % stands for itself.
  }
}

function unreadable(text: string, why: string): UsageError {
  const hint = text.startsWith('/')
    ? `Write unix://${text}.`
    : 'Write unix:///path, tcp://host:port, ssh://host or npipe:////./pipe/name.'
  const plain = text.replace(/(:\/\/)?\S+@/g, '$1***@').replace(/[?#].*$/s, '?***')
  return new UsageError('DOCKER_HOST', `cannot read the engine's address ${shown(plain)}: ${why}`, {
    hint,
  })
}
