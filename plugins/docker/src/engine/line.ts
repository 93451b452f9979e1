import { readFile } from 'node:fs/promises'
import type { Agent, ClientRequestArgs } from 'node:http'
import { connect as connectSocket, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type SecureContext,
} from 'node:tls'
import { messageOf, OrchError } from '@orch/oci'
import type { Endpoint, TlsFiles } from './address.ts'
import { TlsFileError } from './errors.ts'
import { patient } from './patient.ts'

/** The way to an engine over which requests go. */
export interface Line {
  readonly endpoint: Endpoint
  readonly agent: Agent
  /** What the Host header says. */
  readonly authority: string
  /** What comes before the paths of the API. */
  readonly prefix: string
}

/** What the address of a unix socket has room for (unix(7), without the NUL); Node cuts off what is longer. */
const longestPath = process.platform === 'darwin' ? 103 : 107

/** Reads the files of TLS and prepares connections; makes none yet. Throws `DOCKER_UNREACHABLE`, and `TlsFileError`. */
export async function openLine(endpoint: Endpoint): Promise<Line> {
  const { host, tls } = endpoint
  const line = (dial: () => Duplex, keepAlive = false): Line => ({
    endpoint,
    agent: new DialAgent(dial, keepAlive),
    authority: host.kind === 'tcp' ? authority(host.host, host.port) : 'localhost',
    prefix: host.kind === 'tcp' ? host.prefix : '',
  })
  switch (host.kind) {
    case 'unix':
      if (Buffer.byteLength(host.path) > longestPath)
        throw new OrchError(
          'DOCKER_UNREACHABLE',
          `no engine at ${endpoint.where}: the path is longer than the ${longestPath} bytes that a socket's may have`,
          { hint: 'Reach it by a shorter path, such as a symbolic link.' },
        )
      return line(() => connectSocket({ path: host.path }))
    case 'npipe':
      return line(() => connectSocket({ path: host.path }))
    case 'ssh': {
      // Loaded when it is needed: few engines are far away.
      const { SshSocket } = await import('./ssh.ts')
      // A login for each call would be slow.
      return line(() => new SshSocket(endpoint, host), true)
    }
    case 'tcp': {
      const address = { host: host.host, port: host.port }
      if (tls === undefined) return line(() => connectSocket(address))
      const secureContext = await contextOf(tls)
      // An IP address is no name that TLS may ask for (RFC 6066, 3); the certificate is still checked for it.
      const servername = isIP(host.host) === 0 ? { servername: host.host } : {}
      return line(() =>
        connectTls({ ...address, ...servername, secureContext, rejectUnauthorized: tls.verify }),
      )
    }
  }
}

// An import would be made when orch starts, whatever it is to do, and brings half of Node's network along.
const http = process.getBuiltinModule('node:http')

class DialAgent extends http.Agent {
  readonly #dial: () => Duplex

  constructor(dial: () => Duplex, keepAlive: boolean) {
    // Each is a login where they are kept, and servers allow few at once: one more than images are loaded at once.
    super({ keepAlive, ...(keepAlive ? { maxSockets: 5 } : {}) })
    this.#dial = dial
  }

  override createConnection(_options: ClientRequestArgs): Duplex {
    return patient(this.#dial())
  }
}

function authority(host: string, port: number): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

async function contextOf(files: TlsFiles): Promise<SecureContext> {
  const [ca, cert, key] = await Promise.all([pem(files.ca), pem(files.cert), pem(files.key)])
  // What the machine trusts, and NODE_EXTRA_CA_CERTS; where it has no list of its own, what Node trusts.
  const system = [...getCACertificates('system'), ...getCACertificates('extra')]
  const trusted = ca ?? (system.length === 0 ? undefined : system)
  try {
    return createSecureContext({
      ...(trusted === undefined ? {} : { ca: trusted }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    })
  } catch (cause) {
    const paths = [files.ca, files.cert, files.key].filter(path => path !== undefined).join(', ')
    throw new TlsFileError(`cannot use ${paths}: ${messageOf(cause)}`, { cause })
  }
}

async function pem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path)
  } catch (cause) {
    throw new TlsFileError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}
