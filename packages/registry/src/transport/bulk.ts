import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Connect } from '../hosts/connector.ts'
import type { Connections } from '../hosts/hosts.ts'
import type { Address } from './address.ts'
import { readHead, requestHead } from './head.ts'
import { Intake } from './intake.ts'
import type { RegistryResponse } from './types.ts'

/** How long nothing may come while it is waited for, in milliseconds. */
const patience = 60_000
/** As much as undici takes. */
const maxHead = 16 * 1024
const pieceBytes = 64 * 1024

/** The body of an answer, which a reader may have in its own memory. */
export class BulkBody extends Readable {
  readonly #intake: Intake
  readonly #socket: Socket
  #left: number

  constructor(intake: Intake, socket: Socket, length: number) {
    super()
    this.#intake = intake
    this.#socket = socket
    this.#left = length
  }

  /** Fills memory, and gives how much of it: less than all at the end, or when the connection breaks off. Not beside reading the stream. */
  async fill(into: Uint8Array): Promise<number> {
    const wanted = into.subarray(0, this.#left)
    if (wanted.byteLength === 0) return 0
    const length = await this.#intake.fill(wanted)
    this.#left -= length
    return length
  }

  override _read(): void {
    const piece = Buffer.allocUnsafe(Math.min(this.#left, pieceBytes))
    this.fill(piece).then(
      length => this.push(length === 0 ? null : piece.subarray(0, length)),
      error => this.destroy(error),
    )
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy()
    callback(error)
  }
}

/**
 * A GET over a connection of its own, without what makes undici good for all: the body goes from the
 * system into memory that its reader brings. Undefined where that cannot be done, by a proxy between or
 * since the answer is none of the plainest: then it is asked for in the usual way.
 */
export async function bulkExchange(
  address: Address,
  headers: Readonly<Record<string, string>>,
  connections: Connections,
  signal: AbortSignal | undefined,
): Promise<RegistryResponse | undefined> {
  const { connect, speaksPlainly } = connections
  if (connect === undefined || !speaksPlainly) return undefined
  const request = requestHead(address, headers)
  const intake = new Intake(patience)
  const socket = await connected(connect, address.url, intake, signal)
  const onAbort = (): void => void socket.destroy(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  socket.once('close', () => signal?.removeEventListener('abort', onAbort))
  try {
    socket.write(request, 'latin1')
    const text = await intake.until('\r\n\r\n', maxHead)
    const isHead = text !== undefined && text.length <= maxHead
    const head = isHead ? readHead(text.toString('latin1')) : undefined
    if (head === undefined) {
      connections.speaksPlainly = false
      socket.destroy()
      return undefined
    }
    const body = new BulkBody(intake, socket, head.length)
    // Whoever reads it still hears of its error.
    body.on('error', () => undefined)
    const url = `${address.url.origin}${address.path}`
    return { status: head.status, headers: head.headers, body, url }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** A connection, attached; one that comes after an abort is closed. */
function connected(
  connect: Connect,
  { hostname, host, protocol, port }: URL,
  intake: Intake,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const onAbort = (): void => reject(signal?.reason)
  signal?.throwIfAborted()
  signal?.addEventListener('abort', onAbort, { once: true })
  const target = { hostname: hostname.replace(/^\[|\]$/g, ''), host, protocol, port }
  connect(
    target,
    (...[error, socket]) => {
      signal?.removeEventListener('abort', onAbort)
      if (error !== null) return reject(error)
      intake.attach(socket)
      if (signal?.aborted) socket.destroy()
      else resolve(socket)
    },
    intake.landing,
  )
  return promise
}
