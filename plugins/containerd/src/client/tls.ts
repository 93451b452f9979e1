import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { checkServerIdentity, connect, getCACertificates, type TLSSocket } from 'node:tls'
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js'
import { messageOf, UsageError } from '@orch/oci'
import type { Address } from './address.ts'
import { ContainerdError, silentError } from './errors.ts'
import { unreachable } from './probe.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  /** Whom the daemon's certificate is signed by; the authorities of the system unless given. */
  readonly ca?: string | undefined
  /** What orch shows when the daemon asks who it is; both or neither. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

interface Pem {
  readonly ca: Buffer | null
  readonly cert: Buffer | null
  readonly key: Buffer | null
}

type TcpAddress = Extract<Address, { kind: 'tcp' }>

/** How to speak to an address by TLS. */
export interface Tls {
  readonly credentials: ChannelCredentials
  readonly options: ChannelOptions
}

/**
 * Reads the files, then makes one connection, which tells what is wrong better than gRPC does. Throws
 * `CONTAINERD_TLS_FILES`, `CONTAINERD_UNREACHABLE`, `CONTAINERD_TLS`, `CONTAINERD_SILENT`, and the signal's reason.
 */
export async function secure(
  address: TcpAddress,
  files: TlsFiles,
  limit: number,
  signal?: AbortSignal,
): Promise<Tls> {
  if ((files.cert === undefined) !== (files.key === undefined))
    throw new UsageError(
      'CONTAINERD_TLS_FILES',
      `${address.name}: a certificate and its key go together`,
      {
        hint: 'Give both cert and key, or neither.',
      },
    )
  const [ca, cert, key] = await Promise.all([
    files.ca === undefined ? systemCas() : pem(files.ca, address),
    pem(files.cert, address),
    pem(files.key, address),
  ])
  const read: Pem = { ca, cert, key }
  await probe(address, read, limit, signal)
  // An IP address is no name that TLS may ask for (RFC 6066, 3), but the certificate must still be for it.
  const options = isIP(address.host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'localhost' }
  const verify = {
    checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(address.host, certificate),
  }
  return { credentials: credentials.createSsl(ca, key, cert, verify), options }
}

/** What the machine trusts, and NODE_EXTRA_CA_CERTS; where it has no list of its own, what Node trusts. */
function systemCas(): Buffer | null {
  const list = [...getCACertificates('system'), ...getCACertificates('extra')]
  return list.length === 0 ? null : Buffer.from(list.join('\n'))
}

async function pem(path: string | undefined, address: TcpAddress): Promise<Buffer | null> {
  if (path === undefined) return null
  try {
    return await readFile(path)
  } catch (cause) {
    throw new UsageError(
      'CONTAINERD_TLS_FILES',
      `${address.name}: cannot read ${path}: ${messageOf(cause)}`,
      { cause, hint: 'Give the path of a PEM file that orch may read.' },
    )
  }
}

async function probe(
  address: TcpAddress,
  files: Pem,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted()
  let socket: TLSSocket | undefined
  try {
    socket = handshake(address, files)
    await answered(socket, address, limit, signal)
  } catch (error) {
    signal?.throwIfAborted()
    throw error instanceof ContainerdError ? error : tlsError(address, error)
  } finally {
    socket?.destroy()
  }
}

function handshake({ host, port }: TcpAddress, { ca, cert, key }: Pem): TLSSocket {
  return connect({
    host,
    port,
    ALPNProtocols: ['h2'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === null ? {} : { ca }),
    ...(cert === null || key === null ? {} : { cert, key }),
  })
}

/** Waits for the first bytes: a server refuses a client's certificate only after the handshake (RFC 8446). */
function answered(
  socket: TLSSocket,
  address: TcpAddress,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal?.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    socket.once('close', () => {
      signal?.removeEventListener('abort', aborted)
      // Some servers say no more than this to a certificate that they do not trust.
      reject(new Error('the server ends the connection right after the handshake'))
    })
    socket.setTimeout(limit, () => reject(silentError(address.name, 'the TLS handshake')))
    socket.on('error', reject)
    socket.once('data', () => resolve())
    // A server may also wait for the client to speak; then what it is shows in the first call.
    socket.once('secureConnect', () => socket.setTimeout(1_000, () => resolve()))
  })
}

function tlsError(address: TcpAddress, cause: unknown): ContainerdError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const syscall = cause instanceof Error && 'syscall' in cause ? cause.syscall : undefined
  // A name that is not found, a port that refuses, a network that cannot be reached.
  if (syscall === 'connect' || syscall === 'getaddrinfo' || cause instanceof AggregateError)
    return unreachable(address.name, code, cause)
  return new ContainerdError(
    'CONTAINERD_TLS',
    `no secure connection to ${address.name}: ${reasonOf(cause)}`,
    {
      cause,
      hint: 'Give the CA that signed the certificate of that containerd (ca), and cert and key where it asks for them.',
    },
  )
}

/** Without the places in OpenSSL's source, and without Node's advice about its own command line. */
function reasonOf(cause: unknown): string {
  if (cause instanceof Error && 'reason' in cause && typeof cause.reason === 'string')
    return cause.reason
  return messageOf(cause).split(';', 1).join()
}
