import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { createTransport } from './transport/transport.ts'
import type { RegistryRequest, RegistryResponse, Transport } from './transport/types.ts'
import type { RegistryOptions } from './types.ts'

/** A request as a server of a test saw it. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface TestServer {
  /** `127.0.0.1:1234` */
  readonly host: string
  readonly url: string
  readonly port: number
  readonly seen: readonly Seen[]
  stop(): Promise<void>
}

type Handler = (request: Seen, response: ServerResponse, incoming: IncomingMessage) => unknown

/** A server on this machine that ends with the test. Bodies are read before the handler is called. */
export async function serve(
  handler: Handler,
  { tls, port = 0 }: { readonly tls?: ServerOptions; readonly port?: number } = {},
): Promise<TestServer> {
  const seen: Seen[] = []
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = incoming
    const one = { method, url, headers, authorization: headers.authorization }
    const body = await buffer(incoming).then(String, () => 'cut')
    const request = { ...one, body }
    seen.push(request)
    await handler(request, response, incoming)
  }
  const listener = (incoming: IncomingMessage, response: ServerResponse): void => {
    answer(incoming, response).catch(error => response.destroy(error))
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  onTestFinished(stop)
  const host = `127.0.0.1:${address.port}`
  return { host, url: `http${tls ? 's' : ''}://${host}`, port: address.port, seen, stop }
}

/** A folder that ends with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'orch-registry-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A transport that sees nothing of the machine that runs the test. */
export function transport(options: Partial<RegistryOptions> = {}): Transport {
  const env = { HOME: folder(), PATH: process.env['PATH'], ...options.env }
  const made = createTransport({ ...options, env })
  onTestFinished(() => made.close())
  return made
}

/** A folder for DOCKER_CONFIG with this config.json. */
export function dockerConfig(document: unknown): string {
  const path = folder()
  writeFileSync(join(path, 'config.json'), JSON.stringify(document))
  return path
}

/** An entry of `auths`. */
export function entry(user: string, password: string): { auth: string } {
  return { auth: Buffer.from(`${user}:${password}`).toString('base64') }
}

/** GET of a target with the scope to pull `team/x`. */
export function get(domain: string, more: Partial<RegistryRequest> = {}): RegistryRequest {
  const scopes = [{ repository: 'team/x', actions: ['pull'] as const }]
  return { domain, method: 'GET', target: '/v2/team/x/manifests/1', scopes, ...more }
}

export async function textOf({ body }: RegistryResponse): Promise<string> {
  return String(await buffer(body))
}

/** PEM files: an authority, a server's certificate for 127.0.0.1, a client's. */
export interface TestCertificates {
  readonly folder: string
  readonly ca: string
  readonly server: { readonly cert: string; readonly key: string }
}

/** Certificates made by openssl, which end with the test: `ca.crt`, `server.*`, `client.cert` and `client.key`. */
export function certificates(): TestCertificates {
  const path = folder()
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: path, stdio: 'ignore' })
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout']
  openssl('req', '-x509', '-days', '2', '-subj', '/CN=ca', ...key, 'ca.key', '-out', 'ca.crt')
  for (const name of ['server', 'client']) {
    writeFileSync(join(path, `${name}.ext`), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
    openssl('req', '-subj', `/CN=${name}`, ...key, `${name}.key`, '-out', `${name}.csr`)
    const files = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-out', `${name}.cert`]
    openssl('x509', '-req', '-days', '2', '-CA', 'ca.crt', '-CAkey', 'ca.key', ...files)
  }
  const text = (name: string): string => readFileSync(join(path, name), 'utf8')
  return {
    folder: path,
    ca: text('ca.crt'),
    server: { cert: text('server.cert'), key: text('server.key') },
  }
}
