import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect } from './connect.ts'

let folder: string
const servers: Server[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-connect-'))
})

afterAll(async () => {
  for (const server of servers) server.close()
  await rm(folder, { recursive: true })
})

/** Lets a server listen on a socket, and gives its path. */
async function listening(name: string, server: Server): Promise<string> {
  const path = join(folder, name)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(path, resolve))
  return path
}

async function failure(address: string, signal?: AbortSignal): Promise<unknown> {
  return await connect({ address, namespace: 'default', signal }).then(
    () => expect.fail('it connected'),
    error => error,
  )
}

const matching = (code: string, message: RegExp): unknown =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(message),
    hint: expect.any(String),
  })

it('no socket there', async () => {
  expect(await failure(join(folder, 'none'))).toEqual(
    matching('CONTAINERD_UNREACHABLE', /no containerd at \S+\/none: there is no socket/),
  )
})

it('a file that is no socket', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  expect(await failure(file)).toEqual(matching('CONTAINERD_UNREACHABLE', /that is not a socket/))
})

it('a path that is too long for a socket is not cut off', async () => {
  const path = join(folder, 'x'.repeat(120))
  expect(await failure(path)).toEqual(matching('CONTAINERD_UNREACHABLE', /longer than the 107/))
})

it('a port on which nobody listens', async () => {
  expect(await failure('tcp://127.0.0.1:1')).toEqual(
    matching('CONTAINERD_UNREACHABLE', /tcp:\/\/127\.0\.0\.1:1: ECONNREFUSED/),
  )
})

it('an HTTP server, such as that of Docker', async () => {
  const server = createHttpServer((_, response) => response.end('hello'))
  const path = await listening('http', server)
  expect(await failure(path)).toEqual(matching('CONTAINERD_FOREIGN', /is no containerd/))
})

it('an HTTP/2 server that knows nothing of gRPC', async () => {
  const server = createHttp2Server((_, response) => response.writeHead(404).end())
  const path = await listening('http2', server)
  expect(await failure(path)).toEqual(matching('CONTAINERD_FOREIGN', /HTTP status code 404/))
})

it('a server that hangs up', async () => {
  const path = await listening(
    'rude',
    createServer(socket => socket.destroy()),
  )
  expect(await failure(path)).toEqual(matching('CONTAINERD_FOREIGN', /is no containerd/))
})

it('a server that ends just then', async () => {
  let connections = 0
  const server = createServer(socket => {
    socket.destroy()
    // The first one only looks whether somebody listens.
    connections += 1
    if (connections > 1) server.close()
  })
  const path = await listening('ending', server)
  expect(await failure(path)).toEqual(matching('CONTAINERD_UNREACHABLE', /no containerd at/))
})

it('a port that speaks no TLS', async () => {
  const server = createHttpServer((_, response) => response.end('hello'))
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  expect(await failure(`tcp://127.0.0.1:${port}`)).toEqual(
    matching('CONTAINERD_TLS', /no secure connection to tcp:/),
  )
})

it('a file of TLS that is not there', async () => {
  const tls = { ca: join(folder, 'no-ca.pem') }
  await expect(
    connect({ address: 'tcp://127.0.0.1:1', namespace: 'default', tls }),
  ).rejects.toThrow(matching('CONTAINERD_TLS_FILES', /no-ca\.pem/))
})

it('a certificate without its key', async () => {
  const tls = { cert: join(folder, 'cert.pem') }
  await expect(
    connect({ address: 'tcp://127.0.0.1:1', namespace: 'default', tls }),
  ).rejects.toThrow(matching('CONTAINERD_TLS_FILES', /go together/))
})

it('an abort while a server is silent rejects with its reason', async () => {
  const path = await listening(
    'silent',
    createServer(socket => socket.on('error', () => {})),
  )
  const aborting = new AbortController()
  const reason = new Error('enough')
  setTimeout(() => aborting.abort(reason), 200)
  expect(await failure(path, aborting.signal)).toBe(reason)
})

it('an abort before anything rejects with its reason', async () => {
  const reason = new Error('never mind')
  expect(await failure(join(folder, 'none'), AbortSignal.abort(reason))).toBe(reason)
})
