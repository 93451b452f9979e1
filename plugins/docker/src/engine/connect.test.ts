import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type Reaching } from './connect.ts'
import { endpointOf } from './endpoint.ts'
import { engineOf, failureOf, json, matching, Scripted } from './scripted.ts'
import type { Engine } from './types.ts'

let scripted: Scripted

beforeAll(async () => {
  scripted = await Scripted.begin()
})
afterAll(() => scripted.end())

const usual: Reaching = { signal: new AbortController().signal, offline: false }

async function reach(
  host: string,
  env: Record<string, string> = {},
  reaching: Partial<Reaching> = {},
): Promise<Engine> {
  const endpoint = endpointOf({ host }, { HOME: scripted.folder, ...env })
  return await connect(endpoint, { ...usual, ...reaching })
}

const failure = (...given: Parameters<typeof reach>): Promise<unknown> => failureOf(reach(...given))

describe('what an engine tells of itself', () => {
  it('an older one, with a graph driver', async () => {
    const engine = await reach(`unix://${await scripted.engine('old')}`)
    expect(engine.info).toEqual({
      store: 'graph-driver',
      platform: { os: 'linux', architecture: 'amd64' },
      apiVersion: '1.41',
      version: '20.10.24',
    })
    engine.close()
  })

  it('one that is newer than orch, with the store of containerd, on arm64', async () => {
    const asked: (string | undefined)[] = []
    const path = await scripted.engine('new', {
      'GET /version': json({ Version: '99.0', ApiVersion: '1.99', MinAPIVersion: '1.44' }),
      'GET /info': (request, response) => {
        asked.push(request.url)
        const status = [['driver-type', 'io.containerd.snapshotter.v1']]
        const info = { OSType: 'linux', Architecture: 'aarch64', DriverStatus: status }
        json(info)(request, response)
      },
    })
    const engine = await reach(`unix://${path}`)
    expect(engine.info).toMatchObject({
      store: 'containerd',
      platform: { os: 'linux', architecture: 'arm64' },
    })
    expect(asked).toEqual(['/info'])
    engine.close()
  })

  it.each([
    ['1.18', '1.0', /speaks version 1\.18 of its API; orch needs 1\.24/],
    ['1.99', '1.90', /wants at least version 1\.90 of its API; orch speaks up to 1\.\d+$/],
    ['two', '1.0', /tells no version/],
  ])('API %s, at least %s, is refused', async (theirs, least, message) => {
    const version = json({ Version: 'x', ApiVersion: theirs, MinAPIVersion: least })
    const path = await scripted.engine(`api-${theirs}`, { 'GET /version': version })
    expect(await failure(`unix://${path}`)).toEqual(matching('DOCKER_API', message))
  })
})

describe('who is not there', () => {
  it('no socket, and nobody on it', async () => {
    expect(await failure(`unix://${scripted.folder}/none`)).toEqual(
      matching('DOCKER_UNREACHABLE', /no engine at unix:\S+\/none: there is no socket/),
    )
    const file = join(scripted.folder, 'file')
    writeFileSync(file, '')
    expect(await failure(`unix://${file}`)).toEqual(
      matching('DOCKER_UNREACHABLE', /nothing listens on it/),
    )
    expect(await failure(`unix:///${'x'.repeat(120)}`)).toEqual(
      matching('DOCKER_UNREACHABLE', /longer than the \d+ bytes/),
    )
  })

  it('a port on which nobody listens', async () => {
    expect(await failure('tcp://127.0.0.1:1')).toEqual(
      matching('DOCKER_UNREACHABLE', /tcp:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/),
    )
  })

  it('others, who are no engine', async () => {
    const page = await scripted.listen(
      'page',
      createHttpServer((_, response) => response.end('<html>')),
    )
    expect(await failure(`unix://${page}`)).toEqual(matching('DOCKER_API', /is no Docker Engine/))
    const stranger = await scripted.listen(
      'stranger',
      createServer(socket => socket.end('220 hello\r\n')),
    )
    expect(await failure(`unix://${stranger}`)).toEqual(
      matching('DOCKER_API', /is no Docker Engine/),
    )
  })

  it('one that is silent, until the patience or the user ends it', async () => {
    const path = await scripted.listen(
      'silent',
      createServer(socket => socket.on('error', () => {})),
    )
    expect(await failure(`unix://${path}`, {}, { patience: { first: 200 } })).toEqual(
      matching('DOCKER_SILENT', /does not answer \(GET \/version\)/),
    )
    const reason = new Error('enough')
    const aborting = new AbortController()
    setTimeout(() => aborting.abort(reason), 100)
    expect(await failure(`unix://${path}`, {}, { signal: aborting.signal })).toBe(reason)
  })

  it('one that breaks off in the middle of an answer', async () => {
    const path = await scripted.engine('broken', {
      'GET /info': (_, response) => {
        response.writeHead(200, { 'Content-Length': 1000 }).write('{"OSType":')
        setTimeout(() => response.destroy(), 50)
      },
    })
    expect(await failure(`unix://${path}`)).toEqual(matching('DOCKER_LOST', /broke \(GET \/info\)/))
  })

  it('one that refuses with its own words', async () => {
    const path = await scripted.engine('no', { 'GET /info': json({ message: 'not today' }, 403) })
    expect(await failure(`unix://${path}`)).toEqual(
      matching('DOCKER_FAILED', /"not today \(HTTP 403\)"/),
    )
  })

  it('offline, only sockets of this machine', async () => {
    for (const host of ['tcp://127.0.0.1:1', 'ssh://far.example'])
      expect(await failure(host, {}, { offline: true })).toEqual(
        matching('DOCKER_OFFLINE', /forbids/),
      )
    const path = await scripted.engine('near')
    const engine = await reach(`unix://${path}`, {}, { offline: true })
    engine.close()
  })
})

describe('TLS', () => {
  let port: number
  let plain: number
  let verified: Record<string, string>

  beforeAll(async () => {
    const certs = scripted.folder
    const make = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2
      -subj /CN=engine -addext subjectAltName=IP:127.0.0.1 -keyout ${certs}/key.pem -out ${certs}/cert.pem`
    const [command = '', ...args] = make.split(/\s+/)
    execFileSync(command, args, { stdio: 'ignore' })
    const key = readFileSync(join(certs, 'key.pem'))
    const cert = readFileSync(join(certs, 'cert.pem'))
    writeFileSync(join(certs, 'ca.pem'), cert)
    verified = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certs }
    const both = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true }
    port = await scripted.listenTcp(createHttpsServer(both, engineOf({})))
    plain = await scripted.listenTcp(createHttpServer(engineOf({})))
  })

  it('with the certificates of DOCKER_CERT_PATH', async () => {
    const engine = await reach(`tcp://127.0.0.1:${port}`, verified)
    expect(engine.info.apiVersion).toBe('1.41')
    engine.close()
  })

  it('a certificate that nobody trusted signed', async () => {
    expect(await failure(`https://127.0.0.1:${port}`, { HOME: '/nowhere' })).toEqual(
      matching('DOCKER_TLS', /self-signed/, /ca\.pem/),
    )
  })

  it('no certificate where one is asked for', async () => {
    const ca = join(scripted.folder, 'only-ca')
    execFileSync('mkdir', [ca])
    writeFileSync(join(ca, 'ca.pem'), readFileSync(join(scripted.folder, 'ca.pem')))
    expect(await failure(`tcp://127.0.0.1:${port}`, { ...verified, DOCKER_CERT_PATH: ca })).toEqual(
      matching('DOCKER_TLS', /certificate required/, /cert\.pem/),
    )
  })

  it('TLS to a port that speaks none', async () => {
    expect(await failure(`tcp://127.0.0.1:${plain}`, verified)).toEqual(
      matching('DOCKER_TLS', /no secure connection/, /seems to speak no TLS/),
    )
  })

  it('no TLS to a port that wants it, as an engine says it', async () => {
    const path = await scripted.listenTcp(
      createHttpServer((_, response) => {
        response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n')
      }),
    )
    expect(await failure(`tcp://127.0.0.1:${path}`)).toEqual(
      matching('DOCKER_TLS', /speaks TLS, and orch did not/, /DOCKER_TLS_VERIFY=1/),
    )
  })

  it('files that are not there, or are something else', async () => {
    const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' }
    expect(await failure('tcp://127.0.0.1:1', env)).toEqual(
      matching('DOCKER_TLS', /cannot read \/nowhere\/ca\.pem/),
    )
  })
})

it('loads that the engine refuses before they were read keep no connection open', async () => {
  const answer = (status: string, value: unknown): string => {
    const body = JSON.stringify(value)
    return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
  // As Go's server does: it answers, reads no more, and closes a little later.
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    socket.once('data', data => {
      socket.pause()
      if (data.includes('/images/load'))
        socket.end(answer('500 Internal Server Error', { message: 'no space left on device' }))
      else if (data.includes('/images/json')) socket.end(answer('200 OK', []))
      else socket.end(answer('200 OK', { ApiVersion: '1.41', OSType: 'linux', Architecture: 'x' }))
      setTimeout(() => socket.destroy(), 100)
    })
  })
  const engine = await reach(`unix://${await scripted.listen('refusing', server)}`)
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  const archive = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < 1000; at++) yield Buffer.alloc(64 * 1024)
  }
  for (let load = 0; load < 10; load++)
    await expect(
      engine.load(archive(), { signal: usual.signal, onMessage: () => {} }),
    ).rejects.toEqual(matching('DOCKER_FULL', /no space left/))
  await expect.poll(open, { timeout: 10_000 }).toBeLessThan(before + 5)
  engine.close()
})
