import { connect } from 'node:tls'
import { bareHost } from './address.ts'

const milliseconds = 5000

/**
 * Whether something speaks TLS at an address. Nothing is sent but the first message of a handshake.
 * Without a port, 443 is asked.
 * @returns undefined when nothing answered
 */
export function speaksTls(
  hostname: string,
  port: string,
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  return new Promise((resolve, reject) => {
    // What the certificate says is checked by the connections that carry something.
    const socket = connect({
      host: bareHost(hostname),
      port: Number(port || 443),
      rejectUnauthorized: false,
    })
    const done = (answer: boolean | undefined): void => {
      signal?.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(answer)
    }
    const onAbort = (): void => {
      socket.destroy()
      reject(signal?.reason)
    }
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.setTimeout(milliseconds, () => done(false))
    socket.once('secureConnect', () => done(true))
    socket.on('error', error => {
      // A registry that asks for a client's certificate may end the handshake, and still speaks TLS.
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'ECONNREFUSED') done(undefined)
      else done(/ALERT|CERT/.test(code) && !/WRONG_VERSION/.test(code))
    })
  })
}
