import { mkdtemp, rm } from 'node:fs/promises'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Server as NetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Engine } from './types.ts'

/** What a scripted engine does with a call. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Servers for the tests of this folder: they stand in because a real engine cannot be made to misbehave. */
export class Scripted {
  readonly folder: string
  readonly #servers: NetServer[] = []

  private constructor(folder: string) {
    this.folder = folder
  }

  static async begin(): Promise<Scripted> {
    return new Scripted(await mkdtemp(join(tmpdir(), 'orch-docker-')))
  }

  /** Lets a server listen on a socket, and gives its path. */
  async listen(name: string, server: NetServer): Promise<string> {
    const path = join(this.folder, name)
    this.#servers.push(server)
    await new Promise<void>(resolve => server.listen(path, resolve))
    return path
  }

  /** Lets a server listen on a port, and gives that. */
  async listenTcp(server: NetServer): Promise<number> {
    this.#servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** An engine that answers as one does, but for the calls that are given, by `METHOD /path`. */
  async engine(name: string, answers: Readonly<Record<string, Answer>> = {}): Promise<string> {
    return await this.listen(name, createServer(engineOf(answers)))
  }

  async end(): Promise<void> {
    for (const server of this.#servers) {
      server.close()
      if ('closeAllConnections' in server) (server as Server).closeAllConnections()
    }
    await rm(this.folder, { recursive: true })
  }
}

/** Answers as an engine does, but for the calls that are given. */
export function engineOf(answers: Readonly<Record<string, Answer>>): RequestListener {
  const usual: Readonly<Record<string, Answer>> = {
    'GET /version': json({ Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12' }),
    'GET /info': json({ OSType: 'linux', Architecture: 'x86_64', DriverStatus: [['a', 'b']] }),
  }
  return (request, response) => {
    const path = request.url?.replace(/^\/v[\d.]+/, '').replace(/\?.*$/, '')
    const call = `${request.method} ${path}`
    const answer = answers[call] ?? usual[call] ?? json({ message: 'page not found' }, 404)
    answer(request, response)
  }
}

export function json(value: unknown, status = 200): Answer {
  return (_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
  }
}

/** What connecting fails with; one that succeeds fails the test. */
export async function failureOf(reaching: Promise<Engine>): Promise<unknown> {
  return await reaching.then(
    engine => {
      engine.close()
      expect.fail('it connected')
    },
    error => error,
  )
}

/** Matches an error that says this, and hints. */
export function matching(code: string, message: RegExp, hint: RegExp = /./): unknown {
  return expect.objectContaining({
    code,
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  })
}
