import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { digestOf } from '@orch/oci'
import type { Registries, RegistryOptions } from '../types.ts'
import { registriesOver } from './repository.ts'
import { testTransport } from './test-transport.ts'

/** One request, and the means to answer it otherwise than a good registry would. */
export interface Exchange {
  readonly method: string
  /** Path and query as they came. */
  readonly url: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** How many requests of this method to an address of this kind came before. */
  readonly before: number
  readonly registry: TestRegistry
  answer(
    status: number,
    headers?: Record<string, string | number>,
    body?: Uint8Array | string,
  ): undefined
}

/** Answers a request itself (true), or leaves it to the good registry. */
export type Quirk = (exchange: Exchange) => boolean | undefined | Promise<boolean | undefined>

export interface TestRegistry extends AsyncDisposable {
  readonly host: string
  /** A client of it. */
  readonly client: Registries
  /** `METHOD kind` of every request: ping, blob, start, mount, upload, manifest, tags, referrers, catalog. */
  readonly log: string[]
  readonly blobs: Map<string, Buffer>
  readonly manifests: Map<string, { readonly bytes: Buffer; readonly mediaType: string }>
  /** Uploads under way, with what of them came. */
  readonly uploads: Map<string, Buffer>
}

/** A registry in memory that keeps to the specification, but for a quirk. */
export async function testRegistry(
  quirk: Quirk = () => false,
  options: Omit<RegistryOptions, 'env' | 'hosts'> & { readonly chunkBytes?: number } = {},
): Promise<TestRegistry> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const { chunkBytes, ...others } = options
  const hosts = chunkBytes === undefined ? {} : { [host]: { chunkBytes } }
  const registry: TestRegistry = {
    host,
    client: registriesOver(testTransport(), { ...others, hosts }),
    log: [],
    blobs: new Map(),
    manifests: new Map(),
    uploads: new Map(),
    async [Symbol.asyncDispose]() {
      await registry.client.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '' } = request
    const entry = `${method} ${kindOf(url)}`
    const before = registry.log.filter(one => one === entry).length
    registry.log.push(entry)
    const answer: Exchange['answer'] = (status, headers = {}, body = '') => {
      const length = Buffer.byteLength(body)
      response.writeHead(status, { 'content-length': length, ...headers })
      response.end(method === 'HEAD' ? undefined : body)
    }
    const exchange = { method, url, request, response, before, registry, answer }
    request.on('error', () => {})
    if ((await quirk(exchange)) !== true) await serve(exchange)
  })
  return registry
}

function kindOf(url: string): string {
  if (/\/blobs\/uploads\/\?mount=/.test(url)) return 'mount'
  if (/\/blobs\/uploads\/$/.test(url)) return 'start'
  if (url.includes('/blobs/uploads/')) return 'upload'
  const [, kind = 'ping'] = /\/(blobs|manifests|tags|referrers|_catalog)(?:\/|\?|$)/.exec(url) ?? []
  return kind.replace(/^_|s$/g, '')
}

export function errorBody(code: string, detail?: unknown): string {
  return JSON.stringify({ errors: [{ code, message: `it is ${code}`, detail }] })
}

/** The body of a request, or what came of it. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    // cut off
  }
  return Buffer.concat(chunks)
}

let sessions = 0

async function serve(exchange: Exchange): Promise<void> {
  const url = new URL(exchange.url, 'http://registry')
  const match = /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests)\/(.*)$/.exec(url.pathname)
  if (match === null) return exchange.answer(404, {}, errorBody('UNSUPPORTED'))
  const [, path = '', kind, last = ''] = match
  if (kind === 'blobs') return blob(exchange, path, last)
  if (kind === 'manifests') return manifest(exchange, path, last)
  if (exchange.method === 'POST') return begin(exchange, path, url.searchParams)
  await upload(exchange, path, last, url.searchParams.get('digest'))
}

function blob({ registry, request, answer }: Exchange, path: string, digest: string): undefined {
  const bytes = registry.blobs.get(`${path}@${digest}`)
  if (bytes === undefined) return answer(404, {}, errorBody('BLOB_UNKNOWN'))
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers['range'] ?? '')?.[1] ?? Number.NaN)
  if (Number.isNaN(from)) return answer(200, { 'content-length': bytes.byteLength }, bytes)
  const range = `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}`
  answer(206, { 'content-range': range }, bytes.subarray(from))
}

function begin({ registry, answer }: Exchange, path: string, query: URLSearchParams): undefined {
  const digest = query.get('mount')
  const mounted = registry.blobs.get(`${query.get('from')}@${digest}`)
  if (digest !== null && mounted !== undefined) {
    registry.blobs.set(`${path}@${digest}`, mounted)
    return answer(201, { location: `/v2/${path}/blobs/${digest}` })
  }
  const id = `${++sessions}`
  registry.uploads.set(id, Buffer.alloc(0))
  answer(202, { location: `/v2/${path}/blobs/uploads/${id}`, range: '0-0' })
}

async function upload(
  { registry, method, request, answer }: Exchange,
  path: string,
  id: string,
  digest: string | null,
): Promise<void> {
  const { uploads, blobs } = registry
  let held = uploads.get(id)
  if (held === undefined) return answer(404, {}, errorBody('BLOB_UPLOAD_UNKNOWN'))
  const place = `/v2/${path}/blobs/uploads/${id}`
  const range = (): string => `0-${Math.max((held?.byteLength ?? 0) - 1, 0)}`
  if (method === 'DELETE') {
    uploads.delete(id)
    return answer(204)
  }
  if (method === 'GET') return answer(204, { location: place, range: range() })
  const start = request.headers['content-range']?.split('-')[0]
  if (start !== undefined && Number(start) !== held.byteLength)
    return answer(416, { location: place, range: range() })
  held = Buffer.concat([held, await bodyOf(request)])
  uploads.set(id, held)
  if (method === 'PATCH') return answer(202, { location: place, range: range() })
  uploads.delete(id)
  if (digestOf(held) !== digest) return answer(400, {}, errorBody('DIGEST_INVALID'))
  blobs.set(`${path}@${digest}`, held)
  answer(201, { location: `/v2/${path}/blobs/${digest}` })
}

async function manifest(
  { registry, method, request, answer }: Exchange,
  path: string,
  reference: string,
): Promise<void> {
  const { manifests } = registry
  if (method === 'PUT') {
    const bytes = await bodyOf(request)
    const kept = { bytes, mediaType: request.headers['content-type'] ?? '' }
    manifests.set(`${path}:${reference}`, kept)
    manifests.set(`${path}:${digestOf(bytes)}`, kept)
    return answer(201, { 'docker-content-digest': digestOf(bytes) })
  }
  const found = manifests.get(`${path}:${reference}`)
  if (found === undefined) return answer(404, {}, errorBody('MANIFEST_UNKNOWN'))
  if (method === 'DELETE') {
    manifests.delete(`${path}:${reference}`)
    return answer(202)
  }
  const headers = {
    'content-type': found.mediaType,
    'content-length': found.bytes.byteLength,
    'docker-content-digest': digestOf(found.bytes),
  }
  answer(200, headers, found.bytes)
}
