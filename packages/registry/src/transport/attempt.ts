import { OrchError } from '@orch/oci'
import type { Asking, Authorizer } from '../auth/authorizer.ts'
import type { Secrets } from '../auth/secrets.ts'
import type { Hosts } from '../hosts/hosts.ts'
import { abortable } from './abortable.ts'
import { type Address, readAddress, tlsOf } from './address.ts'
import { type Followed, follow } from './follow.ts'
import type { RegistryRequest } from './types.ts'
import type { Warnings } from './warnings.ts'

export interface AttemptContext {
  readonly hosts: Hosts
  readonly authorizer: Authorizer
  readonly secrets: Secrets
  readonly warnings: Warnings
  readonly userAgent: string
  /** Hears what Authorization a request to the registry carries. */
  readonly onAuthorization: (authorization: string | undefined) => void
}

/**
 * Sends a request once, and after a challenge once again with what it asked for. A host to which the
 * registry redirects may have a challenge of its own, which is answered without credentials.
 */
export async function attempt(
  request: RegistryRequest,
  asking: Asking,
  { hosts, authorizer, secrets, warnings, userAgent, onAuthorization }: AttemptContext,
): Promise<Followed> {
  const { host } = asking
  const { method, body, isBulk, signal } = request
  const address = addressOf(request, host.origin)
  const headers = { ...request.headers, 'user-agent': userAgent }
  const isOwn = (at: Address): boolean => at.url.origin === host.origin.origin
  const authorize = (): Promise<string | undefined> =>
    abortable(authorizer.authorization(asking), signal)
  const send = async (to: Address, authorization: string | undefined): Promise<Followed> => {
    const sending = { host, method, address: to, headers, authorization, body, isBulk, signal }
    const response = await follow(sending, hosts, secrets)
    if (isOwn(response.address)) warnings.read(host.domain, response.headers['warning'])
    return response
  }
  const sendOwn = async (): Promise<Followed> => {
    const before = await authorize()
    onAuthorization(before)
    const response = await send(address, before)
    if (response.status !== 401 || !isOwn(response.address)) return response
    const header = response.headers['www-authenticate']
    if (!authorizer.challenged(asking, header, before)) return response
    const after = await authorize()
    // The same again would be refused again.
    if (after === undefined || after === before) return response
    onAuthorization(after)
    return send(address, after)
  }
  const response = isOwn(address) ? await sendOwn() : await send(address, undefined)
  if (response.status !== 401 || isOwn(response.address) || body !== undefined) return response
  const header = response.headers['www-authenticate']
  const token = await abortable(authorizer.anonymous(host, header), signal)
  return token === undefined ? response : send(response.address, token)
}

/** Where a request goes; never without TLS when the registry speaks it. Throws `REGISTRY_REDIRECT`. */
function addressOf({ domain, target }: RegistryRequest, origin: URL): Address {
  const address = readAddress(target, origin)
  const refuse = (why: string): never => {
    throw new OrchError('REGISTRY_REDIRECT', `${domain} names an address ${why}`, {
      hint: 'Nothing was sent there. Ask whoever runs the registry.',
    })
  }
  if (address === undefined) return refuse('that is none of the web')
  const { url, path } = address
  const tls = tlsOf(url, origin)
  if (tls === 'refused') return refuse(`at ${url.host} that does not speak TLS`)
  return tls === 'kept' ? address : { url: new URL(path, origin.href), path }
}
