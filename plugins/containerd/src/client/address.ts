import { isAbsolute } from 'node:path'
import { shown, UsageError } from '@orch/oci'

/** Where a containerd listens. `name` is what messages call it. */
export type Address =
  | { readonly kind: 'unix'; readonly name: string; readonly path: string }
  | { readonly kind: 'tcp'; readonly name: string; readonly host: string; readonly port: number }

/**
 * Reads an address: an absolute path, `unix:///path`, `unix:/path` or `tcp://host:port`, the host an IPv6
 * address in brackets where it is one. Throws `CONTAINERD_ADDRESS`.
 */
export function parseAddress(text: string): Address {
  const path = /^unix:(?:\/\/)?(\/(?!\/).*)$/s.exec(text)?.[1] ?? text
  if (isAbsolute(path) && !path.includes('\0')) return { kind: 'unix', name: path, path }
  if (text.startsWith('tcp://') && URL.canParse(text)) {
    const { hostname, port, host } = new URL(text)
    // Nothing but these two: a user, a path or a query would be ignored in silence.
    if (hostname !== '' && port !== '' && port !== '0' && text === `tcp://${host}`)
      return {
        kind: 'tcp',
        name: text,
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: Number(port),
      }
  }
  throw new UsageError('CONTAINERD_ADDRESS', `${shown(text)} is not an address of containerd`, {
    hint: 'Give the absolute path of its socket, such as /run/containerd/containerd.sock, or tcp://host:port for TLS.',
  })
}
