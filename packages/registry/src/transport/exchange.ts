import { Readable } from 'node:stream'
import type { Connections } from '../hosts/hosts.ts'
import { request as send } from '../hosts/undici.ts'
import type { Address } from './address.ts'
import { readSmall } from './bodies.ts'
import { bulkExchange } from './bulk.ts'
import type { OpenBody, RegistryRequest, RegistryResponse, RequestBody } from './types.ts'

/** Bodies up to this are read at once, so that a drop within them is retried like one before them. */
const readAtOnce = 64 * 1024

export interface Exchange {
  readonly method: RegistryRequest['method']
  readonly address: Address
  readonly headers: Readonly<Record<string, string>>
  readonly body: RequestBody | undefined
  readonly connections: Connections
  readonly isBulk: boolean
  readonly signal: AbortSignal | undefined
}

/** A response, and whether its body is already in memory, its connection free. */
export interface Exchanged extends RegistryResponse {
  readonly isRead: boolean
}

/** One request, one response; errors as undici throws them. Small bodies and those of errors are already read. */
export async function exchange(request: Exchange): Promise<Exchanged> {
  const { method, address, headers, connections, signal } = request
  signal?.throwIfAborted()
  if (request.isBulk && method === 'GET') {
    const answer = await bulkExchange(address, headers, connections, signal)
    if (answer !== undefined) return settled(answer, method)
  }
  const opened = request.body?.open()
  const length = request.body?.length ?? (method === 'GET' || method === 'HEAD' ? undefined : 0)
  try {
    const { relay } = connections
    const answer = await send.call(connections.dispatcher, {
      origin: address.url.origin,
      path: relay === undefined ? address.path : `${address.url.origin}${address.path}`,
      method,
      headers: {
        ...headers,
        ...relay?.headers,
        ...(length === undefined ? {} : { 'content-length': `${length}` }),
      },
      body: bodyForUndici(opened),
      signal: signal ?? null,
    })
    // undici raises an error on a body that is destroyed; whoever reads one still hears of it.
    answer.body.on('error', () => undefined)
    if (relay !== undefined && answer.statusCode === 407) {
      answer.body.destroy()
      throw new Error(`the proxy ${relay.name} answered 407`)
    }
    const response: RegistryResponse = {
      status: answer.statusCode,
      headers: joined(answer.headers),
      body: answer.body,
      url: `${address.url.origin}${address.path}`,
    }
    return await settled(response, method)
  } finally {
    if (opened !== undefined && 'destroy' in opened) opened.destroy()
  }
}

/** What undici takes: its types know only Node's own kinds of what it draws from. */
export function bodyForUndici(
  opened: OpenBody | Uint8Array | undefined,
): Uint8Array | Readable | null {
  if (opened === undefined || opened instanceof Uint8Array) return opened ?? null
  return opened as AsyncIterable<Uint8Array> as Readable
}

function joined(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined)
      flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}

async function settled(response: RegistryResponse, method: string): Promise<Exchanged> {
  const { status, headers, body } = response
  const length = headers['content-length']
  const isEmpty = method === 'HEAD' || status === 204 || status === 304
  const isSmall = length !== undefined && Number(length) <= readAtOnce
  if (status < 300 && !isEmpty && !isSmall) return { ...response, isRead: false }
  const bytes = await readSmall(body, status < 300 ? undefined : 'cut')
  return {
    ...response,
    isRead: true,
    body: Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false }),
  }
}
