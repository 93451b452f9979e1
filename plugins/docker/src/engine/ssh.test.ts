import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect, type Reaching } from './connect.ts'
import { endpointOf } from './endpoint.ts'
import { engineOf, failureOf, json, matching, Scripted } from './scripted.ts'
import type { Engine } from './types.ts'

let scripted: Scripted

beforeAll(async () => {
  scripted = await Scripted.begin()
})
afterAll(() => scripted.end())

const { signal } = new AbortController()

async function reach(
  host: string,
  env: Record<string, string>,
  patience: Reaching['patience'] = {},
): Promise<Engine> {
  const endpoint = endpointOf({ host }, { HOME: scripted.folder, ...env })
  return await connect(endpoint, { signal, offline: false, patience })
}

const failure = (...given: Parameters<typeof reach>): Promise<unknown> => failureOf(reach(...given))

/** A command named ssh, first in PATH, which stands in for ssh and a login. */
function ssh(script: string): Record<string, string> {
  const file = join(scripted.folder, 'ssh')
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  return { PATH: `${scripted.folder}:${process.env['PATH']}` }
}

/** Does what `docker system dial-stdio` does: ends well when the engine closes. */
function bridgeTo(path: string): string {
  const program = [
    `const s = require('net').connect({ path: '${path}', allowHalfOpen: true })`,
    `for (const end of [s, process.stdin]) end.on('error', () => {})`,
    `process.stdin.pipe(s).pipe(process.stdout)`,
    `s.on('end', () => setTimeout(() => process.exit(0), 50))`,
  ]
  return `exec "${process.execPath}" -e "${program.join(';')}"`
}

async function* archiveOf(chunks: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < chunks; at++) yield Buffer.alloc(64 * 1024)
}

it('speaks over `ssh … docker system dial-stdio`, once for all calls', async () => {
  const path = await scripted.engine('over-ssh', { 'GET /images/json': json([]) })
  const log = join(scripted.folder, 'ssh.log')
  const env = ssh(`echo "$*" >> ${log}\n${bridgeTo(path)}`)
  const engine = await reach('ssh://me@far.example:2222/run/my.sock', env)
  expect(await engine.images(signal)).toEqual([])
  engine.close()
  expect(readFileSync(log, 'utf8')).toBe(
    "-o ConnectTimeout=30 -T -l me -p 2222 -- far.example docker --host='unix:///run/my.sock' system dial-stdio\n",
  )
})

it('what ssh says when it fails', async () => {
  const unknown = ssh('echo "ssh: Could not resolve hostname far.example" >&2; exit 255')
  expect(await failure('ssh://far.example', unknown)).toEqual(
    matching('DOCKER_UNREACHABLE', /Could not resolve hostname/, /ssh far\.example docker/),
  )
  const denied = ssh('echo "me@far.example: Permission denied (publickey)." >&2; exit 255')
  expect(await failure('ssh://far.example', denied)).toEqual(
    matching('DOCKER_DENIED', /publickey/, /group docker there/),
  )
  expect(await failure('ssh://far.example', { PATH: '/nowhere' })).toEqual(
    matching('DOCKER_UNREACHABLE', /there is no ssh command/),
  )
})

it('an ssh that ends in the middle', async () => {
  const env = ssh(
    'printf "HTTP/1.1 200 OK\\r\\nContent-Le"; echo "Timeout, far.example" >&2; exit 255',
  )
  expect(await failure('ssh://far.example', env)).toEqual(
    matching('DOCKER_LOST', /"Timeout, far\.example"/),
  )
})

it('an ssh that waits for ever ends with the patience', async () => {
  const pid = join(scripted.folder, 'pid')
  const env = ssh(`echo $$ > ${pid}; exec sleep 60`)
  expect(await failure('ssh://far.example', env, { ssh: 500 })).toEqual(
    matching('DOCKER_SILENT', /does not answer/),
  )
  await expect
    .poll(() => isAlive(Number(readFileSync(pid, 'utf8'))), { timeout: 5_000 })
    .toBe(false)
})

it('a connection that the engine closed while nobody asked is not used again', async () => {
  const server = createHttpServer(engineOf({ 'GET /images/json': json([]) }))
  const path = await scripted.listen('idle', server)
  const engine = await reach('ssh://far.example', ssh(bridgeTo(path)), { answer: 10_000 })
  server.closeAllConnections()
  await delay(500)
  expect(await engine.images(signal)).toEqual([])
  engine.close()
})

it('a call that waits for a connection is not silence, and hears an abort', async () => {
  let finish = (): void => {}
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  const path = await scripted.engine('busy', {
    'GET /images/json': json([]),
    'POST /images/load': (request, response) => {
      request.resume()
      // It goes on all the time.
      const timer = setInterval(() => response.write('{"stream":"x"}'), 50)
      void finished.then(() => {
        clearInterval(timer)
        response.end()
      })
    },
  })
  const patience = { answer: 300, work: 300 }
  const engine = await reach('ssh://far.example', ssh(bridgeTo(path)), patience)
  const loads = Array.from({ length: engine.atOnce }, () =>
    engine.load(archiveOf(1), { signal, onMessage: () => {} }),
  )
  await delay(200)
  const waiting = engine.images(signal)
  const stop = new AbortController()
  const stopped = engine.images(stop.signal)
  await delay(600)
  stop.abort(new Error('stopped'))
  await expect(stopped).rejects.toThrow('stopped')
  finish()
  await Promise.all(loads)
  expect(await waiting).toEqual([])
  engine.close()
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
