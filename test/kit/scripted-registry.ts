import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { serverOptions } from './certificates.ts'
import { listen } from './listen.ts'
import { Access, type Door } from './scripted/access.ts'
import { Exchange, type RequestEntry } from './scripted/exchange.ts'
import { type Fault, Faults, type Match } from './scripted/faults.ts'
import { digestOf, Memory, type StoredRepository, type Upload } from './scripted/memory.ts'
import type { Quirks } from './scripted/quirks.ts'
import { route } from './scripted/routes.ts'

/** A registry in memory that does what a test tells it to, right or wrong. */
export interface ScriptedRegistry {
  /** `127.0.0.1:23456`, as references name it. */
  readonly host: string
  /** With its scheme. */
  readonly url: string
  /** Can be changed at any time. */
  readonly quirks: Quirks
  /** Every request that came, in the order in which they came. */
  readonly requests: readonly RequestEntry[]
  /** Requests that were under way at once, at most. */
  readonly peak: number
  /** By name. */
  readonly repositories: ReadonlyMap<string, StoredRepository>
  /** Those that were begun and neither finished nor given up, by their IDs. */
  readonly uploads: ReadonlyMap<string, Upload>
  /** Lets something befall the requests that match. */
  fail(match: Match, fault: Fault): void
  /** Lets nothing befall requests any more, and forgets those that came. */
  calm(): void
  /** Puts a blob there; its digest. */
  addBlob(repository: string, bytes: Uint8Array | string): string
  /** Puts a manifest or index there, under a tag too when one is told; its digest. */
  addManifest(
    repository: string,
    bytes: Uint8Array | string,
    mediaType: string,
    tag?: string,
  ): string
  close(): Promise<void>
}

interface ScriptedOptions extends Quirks {
  /** Who may use it; everyone by default. A token server stands for `Bearer`. */
  readonly door?: Door
  /** HTTPS with a certificate that the kit's authority has signed. */
  readonly tls?: boolean
  /** Where it listens; 127.0.0.1 by default. */
  readonly address?: string
}

/** Starts a scripted registry on a port of its own. It is closed at the end of the test file. */
export async function startScriptedRegistry(
  options: ScriptedOptions = {},
): Promise<ScriptedRegistry> {
  const { door = 'open', tls = false, address = '127.0.0.1', ...quirks } = options
  const memory = new Memory()
  const access = new Access(door, quirks)
  const faults = new Faults()
  const requests: RequestEntry[] = []
  const context = { memory, quirks, access }
  let underWay = 0
  let peak = 0

  async function serve(exchange: Exchange): Promise<void> {
    requests.push(exchange.entry)
    const warnings = quirks.warnings?.map(text => `299 - "${text}"`)
    const common = { ...(warnings && { warning: warnings }) }
    if (!(await exchange.suffer(faults.next(exchange.entry), common))) return
    await route(context, exchange)
  }

  const server: Server = tls ? createTlsServer(await serverOptions()) : createServer()
  server.on('request', (request, response) => {
    const exchange = new Exchange(request, response)
    underWay++
    peak = Math.max(peak, underWay)
    response.on('close', () => underWay--)
    // A mistake in the kit must not look like a quirk.
    serve(exchange).catch((error: unknown) => {
      console.error('the scripted registry failed:', error)
      exchange.reset()
    })
  })
  const { port, close } = await listen(server, address)
  const host = `${address}:${port}`
  return {
    host,
    url: `${tls ? 'https' : 'http'}://${host}`,
    quirks,
    requests,
    get peak() {
      return peak
    },
    repositories: memory.repositories,
    uploads: memory.uploads,
    fail: (match, fault) => faults.add(match, fault),
    calm() {
      faults.clear()
      requests.length = 0
      peak = 0
    },
    addBlob(repository, content) {
      const bytes = Buffer.from(content)
      memory.repository(repository).blobs.set(digestOf(bytes), bytes)
      return digestOf(bytes)
    },
    addManifest(repository, content, mediaType, tag) {
      const bytes = Buffer.from(content)
      const { manifests, tags } = memory.repository(repository)
      manifests.set(digestOf(bytes), { mediaType, bytes })
      if (tag !== undefined) tags.set(tag, digestOf(bytes))
      return digestOf(bytes)
    },
    close,
  }
}
