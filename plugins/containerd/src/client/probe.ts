import { stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { messageOf } from '@orch/oci'
import { ContainerdError } from './errors.ts'

/** What the address of a unix socket has room for (unix(7), without the NUL); Node cuts off what is longer. */
const longestPath = 107

/**
 * Opens the socket and closes it again, because what gRPC says of a connection that fails no longer has
 * the reason in it. Throws `CONTAINERD_UNREACHABLE`, `CONTAINERD_DENIED`, and the signal's reason.
 */
export async function probeSocket(path: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  if (Buffer.byteLength(path) > longestPath)
    throw unreachable(
      path,
      `the path is longer than the ${longestPath} bytes that a socket's may have`,
    )
  const socket = connect({ path })
  try {
    await opened(socket, signal)
  } catch (cause) {
    signal?.throwIfAborted()
    throw await socketError(path, cause)
  } finally {
    socket.destroy()
  }
}

function opened(socket: Socket, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal?.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    socket.once('close', () => signal?.removeEventListener('abort', aborted))
    socket.on('error', reject)
    socket.once('connect', resolve)
  })
}

async function socketError(path: string, cause: unknown): Promise<ContainerdError> {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EACCES' || code === 'EPERM')
    return new ContainerdError('CONTAINERD_DENIED', `may not open the socket ${path} (${code})`, {
      cause,
      hint: 'Run as root (sudo), join the group that owns the socket, or give the address of a rootless containerd.',
    })
  if (code === 'ENOENT' || code === 'ENOTDIR') return unreachable(path, 'there is no socket', cause)
  if (code !== 'ECONNREFUSED') return unreachable(path, messageOf(cause), cause)
  return (await isSocket(path))
    ? unreachable(path, 'nothing listens on the socket', cause)
    : unreachable(path, 'that is not a socket', cause)
}

/** A file that is no socket refuses a connection just as one that nobody listens on. */
async function isSocket(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined)
  return stats?.isSocket() ?? true
}

/** Nothing is there, or it cannot be reached. */
export function unreachable(name: string, why: string, cause?: unknown): ContainerdError {
  return new ContainerdError('CONTAINERD_UNREACHABLE', `no containerd at ${name}: ${why}`, {
    hint: 'Start containerd, or give its address: the option address, or CONTAINERD_ADDRESS.',
    cause,
  })
}
