import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import { bareHost } from './address.ts'
import { NoTunnel, openTunnel } from './tunnel.ts'

const milliseconds = 5000

/** Where to ask for TLS, and the proxy that is between. */
export interface Speaker {
  readonly hostname: string
  /** 443 when it is empty. */
  readonly port: string
  readonly proxy: URL | undefined
}

/**
 * Whether something speaks TLS at an address. Nothing is sent but the first message of a handshake.
 * What a proxy makes no tunnel to cannot speak it.
 * @returns undefined when nothing answered
 */
export async function speaksTls(
  { hostname, port, proxy }: Speaker,
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  const target = { hostname: bareHost(hostname), port: port || '443' }
  if (proxy === undefined) return shakesHands(target, undefined, signal)
  let tunnel: Socket
  try {
    tunnel = await openTunnel(proxy, target, signal)
  } catch (error) {
    if (!(error instanceof NoTunnel)) throw error
    const { status } = error
    // A proxy says 5xx of who is not there, and 4xx of where it makes no tunnels.
    return status === undefined || status >= 500 ? undefined : false
  }
  return shakesHands(target, tunnel, signal)
}

function shakesHands(
  { hostname, port }: { readonly hostname: string; readonly port: string },
  tunnel: Socket | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean | undefined> {
  return new Promise((resolve, reject) => {
    // What the certificate says is checked by the connections that carry something.
    const given = { rejectUnauthorized: false }
    const socket =
      tunnel === undefined
        ? connect({ ...given, host: hostname, port: Number(port) })
        : connect({ ...given, socket: tunnel })
    const end = (): void => {
      signal?.removeEventListener('abort', onAbort)
      socket.destroy()
      tunnel?.destroy()
    }
    const done = (answer: boolean | undefined): void => {
      end()
      resolve(answer)
    }
    const onAbort = (): void => {
      end()
      reject(signal?.reason)
    }
    tunnel?.on('error', () => done(false))
    socket.setTimeout(milliseconds, () => done(false))
    socket.once('secureConnect', () => done(true))
    socket.on('error', error => {
      // A registry that asks for a client's certificate may end the handshake, and still speaks TLS.
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'ECONNREFUSED') done(undefined)
      else done(/ALERT|CERT/.test(code) && !/WRONG_VERSION/.test(code))
    })
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
