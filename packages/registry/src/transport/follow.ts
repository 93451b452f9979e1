import { OrchError, shown } from '@orch/oci'
import type { Secrets } from '../auth/secrets.ts'
import type { Host, Hosts } from '../hosts/hosts.ts'
import { type Address, readAddress } from './address.ts'
import { type Exchanged, exchange } from './exchange.ts'
import { faultError } from './faults.ts'
import type { RegistryRequest, RequestBody } from './types.ts'

/** A request to one address, and an Authorization that belongs to that address's origin alone. */
export interface Sending {
  readonly host: Host
  readonly method: RegistryRequest['method']
  readonly address: Address
  readonly headers: Readonly<Record<string, string>>
  readonly authorization?: string | undefined
  readonly body?: RequestBody | undefined
  readonly isBulk?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** A response, and the last address that was asked. */
export interface Followed extends Exchanged {
  readonly address: Address
}

/** An exchange that failed: what was thrown, and where it was. */
export class ExchangeFault extends Error {
  readonly thrown: unknown
  readonly error: unknown
  constructor(thrown: unknown, error: unknown) {
    super('exchange failed')
    this.thrown = thrown
    this.error = error
  }
}

const maxRedirects = 10
const redirects = new Set([301, 302, 303, 307, 308])

/**
 * Sends a request and follows redirects: those of GET and HEAD anywhere but from TLS to none, those of
 * others (307, 308) within their origin. Authorization never goes to another origin (scheme, host and
 * port), nor back after the way has left. Throws `REGISTRY_REDIRECT`, and `ExchangeFault` for a network's failure.
 */
export async function follow(sending: Sending, hosts: Hosts, secrets: Secrets): Promise<Followed> {
  const { host, method, headers, body, isBulk = false, signal } = sending
  let { address, authorization } = sending
  for (let hop = 0; ; hop++) {
    const response = await once()
    const { location } = response.headers
    if (!redirects.has(response.status) || location === undefined) return { ...response, address }
    const next = readAddress(location, address.url)
    const isSame = next?.url.origin === address.url.origin
    const where = shown(secrets.hide(location))
    const refuse = (why: string): never => {
      throw new OrchError(
        'REGISTRY_REDIRECT',
        `${host.domain} redirects ${method} to ${where}, ${why}`,
        {
          hint: 'It was not followed. Ask whoever runs the registry.',
        },
      )
    }
    if (next === undefined) return refuse('which is no address of the web')
    if (hop >= maxRedirects) return refuse(`the ${maxRedirects + 1}th redirect in a row`)
    if (address.url.protocol === 'https:' && next.url.protocol === 'http:')
      return refuse('which does not speak TLS')
    if (method !== 'GET' && method !== 'HEAD' && !(isSame && response.status >= 307))
      return refuse('which is only done for GET, HEAD and the same host')
    if (!isSame) authorization = undefined
    address = next
  }

  async function once(): Promise<Exchanged> {
    try {
      const connections = await hosts.connections(host, address.url)
      const all = authorization === undefined ? headers : { ...headers, authorization }
      return await exchange({ method, address, headers: all, body, connections, isBulk, signal })
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof OrchError) throw error
      throw new ExchangeFault(error, faultError(error, host, address, secrets))
    }
  }
}
