import { messageOf, OrchError, shown } from '@orch/oci'
import type { Secrets } from '../auth/secrets.ts'
import { RefusedAddress } from '../hosts/connector.ts'
import type { Host } from '../hosts/hosts.ts'
import type { Address } from './address.ts'

/** What a failed connection means: worth another try, worth one if the host was there before, or final. */
export type Fault = 'dropped' | 'absent' | 'final'

const dropped = new Set(
  (
    'ECONNRESET EPIPE ETIMEDOUT ECONNABORTED EAI_AGAIN UND_ERR_SOCKET UND_ERR_CONNECT_TIMEOUT ' +
    'UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT UND_ERR_RES_CONTENT_LENGTH_MISMATCH ' +
    'UND_ERR_RESPONSE_CONTENT_LENGTH_MISMATCH'
  ).split(' '),
)
const absent = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND'])

export function faultOf(error: unknown): Fault {
  const codes = codesOf(error)
  if (codes.some(code => dropped.has(code))) return 'dropped'
  return codes.some(code => absent.has(code)) ? 'absent' : 'final'
}

/** The codes of an error, and of what it holds: an attempt at several addresses fails with several. */
function codesOf(error: unknown): readonly string[] {
  const { code, errors } = (error ?? {}) as { code?: unknown; errors?: unknown }
  const inner = Array.isArray(errors) ? errors.flatMap(codesOf) : []
  return [...(typeof code === 'string' ? [code] : []), ...inner]
}

/**
 * A failed exchange as an error for a person: `REGISTRY_TLS`, `REGISTRY_REDIRECT` (an address that is
 * refused) or `REGISTRY_UNREACHABLE`. Errors of ours, such as those of a body, stay as they are.
 */
export function faultError(
  error: unknown,
  { domain, origin }: Host,
  { url }: Address,
  secrets: Secrets,
): unknown {
  if (error instanceof OrchError) return error
  const at = url.host === domain ? domain : `${domain} (${url.host})`
  if (error instanceof RefusedAddress) {
    return new OrchError(
      'REGISTRY_REDIRECT',
      `${domain} sends to ${url.host}, where it may not send: ${error.message}`,
      { hint: `If that is right, name ${url.host} under registries in the project file.` },
    )
  }
  const codes = codesOf(error)
  if (
    codes.includes('ERR_SSL_WRONG_VERSION_NUMBER') ||
    codes.includes('ERR_SSL_PACKET_LENGTH_TOO_LONG')
  ) {
    return new OrchError('REGISTRY_TLS', `${at} does not speak TLS`, {
      hint: `If plain HTTP is meant, set registries.${domain}.plain-http in the project file, or say insecure=true or --insecure.`,
    })
  }
  const tls = codes.find(code => /CERT|TLS|SSL|SELF_SIGNED|ISSUER|VERIFY|EPROTO/.test(code))
  const why = shown(secrets.hide(firstClause(messageOf(error)) || codes.join(', ')))
  if (tls !== undefined) {
    const name = url.origin === origin.origin ? domain : url.host
    return new OrchError('REGISTRY_TLS', `no trusted connection to ${at}: ${tls}: ${why}`, {
      hint: `Put the authority that signed its certificate into certs.d/${name}/ca.crt, or name its file in registries.${name}.ca of the project file.`,
    })
  }
  return new OrchError('REGISTRY_UNREACHABLE', `${at} cannot be reached: ${why}`, {
    hint: 'Check the name, the network and HTTPS_PROXY.',
  })
}

/** Without the advice that Node appends, which is about its own options. */
function firstClause(message: string): string {
  return message.replace(/; if the root CA .*$/s, '')
}
