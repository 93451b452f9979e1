import type { Socket } from 'node:net'
import { bareHost, isIp } from './address.ts'
import { Client, connectThrough } from './undici.ts'

const milliseconds = 10_000

/** A proxy that makes no tunnel, or cannot be asked. */
export class NoTunnel extends Error {
  /** What it answered; undefined when it did not. */
  readonly status: number | undefined
  constructor(message: string, status: number | undefined, cause?: unknown) {
    super(message, { cause })
    this.status = status
  }
}

/** What tells a proxy who asks: the account in its address. None without one. */
export function proxyHeaders({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {}
  const account = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)
  return { 'proxy-authorization': `Basic ${account.toString('base64')}` }
}

/** A connection through a proxy, by CONNECT (RFC 9110, 9.3.6). Throws `NoTunnel`. */
export async function openTunnel(
  proxy: URL,
  { hostname, port }: { readonly hostname: string; readonly port: string },
  signal?: AbortSignal,
): Promise<Socket> {
  const bare = bareHost(hostname)
  const path = `${isIp(bare) && bare.includes(':') ? `[${bare}]` : bare}:${port}`
  const client = new Client(proxy.origin, { headersTimeout: milliseconds })
  try {
    const { socket, statusCode } = await connectThrough.call(client, {
      path,
      headers: { ...proxyHeaders(proxy), host: path },
      signal: signal ?? null,
    })
    if (statusCode !== 200) {
      socket.on('error', () => undefined).destroy()
      throw new NoTunnel(`the proxy ${proxy.host} answered ${statusCode}`, statusCode)
    }
    void client.close()
    return socket as Socket
  } catch (error) {
    void client.destroy()
    signal?.throwIfAborted()
    if (error instanceof NoTunnel) throw error
    const { message } = error as Error
    throw new NoTunnel(`the proxy ${proxy.host}: ${message}`, undefined, error)
  }
}
