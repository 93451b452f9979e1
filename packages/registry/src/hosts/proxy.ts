import { BlockList, isIP, isIPv4 } from 'node:net'
import { OrchError } from '@orch/oci'
import { bareHost, isLoopbackHost } from './address.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for an address, by HTTPS_PROXY or HTTP_PROXY and NO_PROXY in either case, read as Go's
 * httpproxy does: NO_PROXY holds `*`, names (with what is below them), addresses, networks, each with or
 * without a port. This machine is never asked through a proxy. Throws `REGISTRY_PROXY`.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const isTls = url.protocol === 'https:'
  const variable = isTls ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const value = env[variable] || env[variable.toLowerCase()]
  if (!value || isLoopbackHost(url.hostname) || isExcluded(url, env)) return undefined
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  const proxy = URL.canParse(text) ? new URL(text) : undefined
  if (proxy?.protocol !== 'http:' && proxy?.protocol !== 'https:') {
    throw new OrchError('REGISTRY_PROXY', `${variable} names no HTTP proxy`, {
      hint: 'Write http://host:port or https://host:port.',
    })
  }
  if (![proxy.username, proxy.password].every(isDecodable)) {
    throw new OrchError('REGISTRY_PROXY', `${variable} has an account that cannot be read`, {
      hint: 'Write a % in its user or password as %25.',
    })
  }
  return proxy
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function isExcluded(url: URL, env: Environment): boolean {
  const list = env['NO_PROXY'] || env['no_proxy'] || ''
  const host = bareHost(url.hostname).toLowerCase()
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list
    .split(/[\s,]+/)
    .filter(rule => rule !== '')
    .some(rule => excludes(rule.toLowerCase(), host, port))
}

function excludes(rule: string, host: string, port: string): boolean {
  if (rule === '*') return true
  if (rule.includes('/')) return inNetwork(rule, host)
  const [, bracketed, named, rulePort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(rule) ?? []
  const name = isIP(rule) ? rule : (bracketed ?? named ?? '')
  if (name === '' || (rulePort !== undefined && !isIP(rule) && rulePort !== port)) return false
  if (isIP(name)) return name === host
  const suffix = name.replace(/^\*?\./, '.')
  return suffix.startsWith('.')
    ? host.endsWith(suffix)
    : host === suffix || host.endsWith(`.${suffix}`)
}

function inNetwork(rule: string, host: string): boolean {
  const [network = '', bits = ''] = rule.split('/')
  const prefix = Number(bits)
  const family = isIPv4(network) ? 'ipv4' : 'ipv6'
  if (!isIP(network) || isIP(host) !== isIP(network) || !/^\d{1,3}$/.test(bits)) return false
  if (prefix > (family === 'ipv4' ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(network, prefix, family)
  return list.check(host, family)
}
