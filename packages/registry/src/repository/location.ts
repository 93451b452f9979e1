import { redact, shown } from '@orch/oci'
import { tlsOf } from '../transport/address.ts'
import { brokenAnswer } from './answer.ts'

/** An address in its parts, the part after the host as it was written. */
interface Address {
  readonly scheme: string
  readonly authority: string
  readonly rest: string
}

/**
 * Where a Location or Link of an answer leads, as an absolute URL. Path and query stay as they are
 * written, byte for byte: they hold a registry's state, which another encoding would break. Relative
 * ones count from the answer's address. On the registry's own host a lost port and a scheme that a proxy
 * in front made wrong are mended. Throws `REGISTRY_ANSWER_INVALID` for what is no HTTP address, has
 * credentials, or leads from HTTPS to plain HTTP.
 * @param hide takes out of the message what it must not show
 */
export function addressFrom(
  header: string | undefined,
  url: string,
  what: string,
  hide: (text: string) => string = redact,
): string {
  if (header === undefined || header === '')
    throw brokenAnswer(what, 'the registry does not say where to go on')
  const text = (header.split('#', 1)[0] ?? '').trim()
  const wrong = (why: string): Error =>
    brokenAnswer(what, `the registry sends orch to ${shown(hide(text))}, ${why}`)
  const base = split(url)
  if (base === undefined) throw wrong('relative to nowhere')
  if (/[^!-~]/.test(text)) throw wrong('which is no address')
  const found = split(text.startsWith('//') ? `${base.scheme}:${text}` : text)
  if (found === undefined) {
    if (/^[a-z][a-z0-9+.-]*:/i.test(text)) throw wrong('which is no HTTP address')
    return joined({ ...base, rest: relative(base.rest, text) })
  }
  if (found.authority.includes('@')) throw wrong('with credentials in it')
  if (!URL.canParse(joined({ ...found, rest: '/' }))) throw wrong('which is no address')
  return joined(mended(found, base, wrong))
}

/** Whether two addresses have scheme, host and port in common. */
export function sameOrigin(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin
}

/** The same address with a parameter added to its query, which stays as it is. */
export function withParameter(address: string, name: string, value: string): string {
  const joint = /[?&]$/.test(address) ? '' : address.includes('?') ? '&' : '?'
  return `${address}${joint}${name}=${encodeURIComponent(value)}`
}

function mended(found: Address, base: Address, wrong: (why: string) => Error): Address {
  const url = hostOf(found)
  const own = hostOf(base)
  const tls = tlsOf(url, own)
  if (tls === 'refused') throw wrong('without TLS')
  const isPortLost = url.hostname === own.hostname && !/:\d+$/.test(found.authority)
  return tls === 'lost' || isPortLost ? { ...base, rest: found.rest } : found
}

function hostOf({ scheme, authority }: Address): URL {
  return new URL(`${scheme}://${authority}/`)
}

function split(text: string): Address | undefined {
  const match = /^(https?):\/\/([^/?]+)(.*)$/i.exec(text)
  if (match === null) return undefined
  const [, scheme = '', authority = '', rest = ''] = match
  return { scheme: scheme.toLowerCase(), authority, rest: rest.startsWith('/') ? rest : `/${rest}` }
}

function joined({ scheme, authority, rest }: Address): string {
  return `${scheme}://${authority}${rest}`
}

/** A relative address against a path with its query (RFC 3986, 5.2), without removing dots. */
function relative(base: string, text: string): string {
  if (text.startsWith('/')) return text
  const path = base.split('?', 1)[0] ?? ''
  return text.startsWith('?') ? path + text : path.slice(0, path.lastIndexOf('/') + 1) + text
}
