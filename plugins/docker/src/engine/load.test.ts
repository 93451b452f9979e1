import type { ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect } from './connect.ts'
import { endpointOf } from './endpoint.ts'
import { type Answer, json, Scripted } from './scripted.ts'
import type { Engine, LoadMessage } from './types.ts'

let scripted: Scripted
const engines: Engine[] = []
let count = 0

beforeAll(async () => {
  scripted = await Scripted.begin()
})
afterAll(async () => {
  for (const engine of engines) engine.close()
  await scripted.end()
})

async function engineThat(answer: Answer, patience: { work?: number } = {}): Promise<Engine> {
  const path = await scripted.engine(`load-${count++}`, { 'POST /images/load': answer })
  return await reach(path, patience)
}

async function reach(path: string, patience: { work?: number } = {}): Promise<Engine> {
  const endpoint = endpointOf({ host: `unix://${path}` }, {})
  const engine = await connect(endpoint, { signal: never, offline: false, patience })
  engines.push(engine)
  return engine
}

const never = new AbortController().signal
const chunk = Buffer.alloc(64 * 1024)

/** An archive of so many chunks, which tells what becomes of it. */
function archiveOf(
  chunks: number,
  fate: { given: number; ended: boolean } = fresh(),
  paceMs?: number,
): AsyncGenerator<Uint8Array> {
  return (async function* () {
    try {
      for (let at = 0; at < chunks; at++) {
        fate.given += 1
        yield chunk
        if (paceMs !== undefined) await delay(paceMs)
      }
    } finally {
      fate.ended = true
    }
  })()
}

const fresh = (): { given: number; ended: boolean } => ({ given: 0, ended: false })

async function messagesOf(engine: Engine, archive = archiveOf(3)): Promise<LoadMessage[]> {
  const messages: LoadMessage[] = []
  await engine.load(archive, { signal: never, onMessage: message => messages.push(message) })
  return messages
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.fail('it was loaded'),
    error => error,
  )
}

const matching = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

/** Reads the whole archive, then answers. */
const after =
  (answer: (response: ServerResponse, bytes: number, url: string) => void): Answer =>
  (request, response) => {
    let bytes = 0
    request.on('data', (data: Buffer) => {
      bytes += data.length
    })
    request.on('end', () => answer(response, bytes, request.url ?? ''))
  }

it('the archive goes over whole, and what the engine says comes back', async () => {
  const engine = await engineThat(
    after((response, bytes, url) => {
      response.write(
        '{"status":"Loading layer","progressDetail":{"current":1,"total":2},"id":"ab"}',
      )
      response.write(`\r\n{"status":"Loading layer","progressDetail":{},"id":"ab"}{"stream":"`)
      response.end(`${url} ${bytes}\\n"}`)
    }),
  )
  expect(await messagesOf(engine)).toEqual([
    { kind: 'progress', id: 'ab', current: 1, total: 2 },
    { kind: 'said', text: `/v1.41/images/load?quiet=0 ${3 * chunk.length}` },
  ])
})

it('an error inside of an answer that began well', async () => {
  const words = 'open /x/blobs/json: no such file or directory'
  const engine = await engineThat(
    after(response => response.end(JSON.stringify({ errorDetail: { message: words }, error: '' }))),
  )
  expect(await failure(messagesOf(engine))).toEqual(matching('DOCKER_LOAD', /"open \/x\/blobs/))
})

it('no space left, by a message or by a status', async () => {
  const words = 'write /layer.tar: no space left on device'
  const inside = await engineThat(after(response => response.end(`{"error":"${words}"}`)))
  expect(await failure(messagesOf(inside))).toEqual(matching('DOCKER_FULL', /no space left on/))
  const outside = await engineThat(json({ message: words }, 500))
  expect(await failure(messagesOf(outside))).toEqual(matching('DOCKER_FULL', /no space left on/))
})

it('an answer that is cut off: by the connection, within a message, or without saying where it ends', async () => {
  const broken = await engineThat(
    after(response => {
      response.write('{"stream":"one"}')
      setTimeout(() => response.destroy(), 50)
    }),
  )
  expect(await failure(messagesOf(broken))).toEqual(matching('DOCKER_LOST', /broke/))
  const half = await engineThat(after(response => response.end('{"stream":"one"}{"stre')))
  expect(await failure(messagesOf(half))).toEqual(matching('DOCKER_LOST', /within a message/))
  const endless = await engineThat(
    after(response => {
      response.useChunkedEncodingByDefault = false
      response.shouldKeepAlive = false
      response.end('{"stream":"one"}')
    }),
  )
  expect(await messagesOf(endless).catch(error => error)).toEqual(
    matching('DOCKER_LOAD', /does not say where it ends/),
  )
})

it('an answer that is not JSON', async () => {
  const engine = await engineThat(after(response => response.end('<html>')))
  expect(await failure(messagesOf(engine))).toEqual(matching('DOCKER_LOAD', /no JSON: "<html>"/))
})

it('an answer that comes before everything was read, by an engine that then hangs up', async () => {
  const words = JSON.stringify({ message: 'unexpected EOF' })
  const answer = `HTTP/1.1 500 Internal Server Error\r\nContent-Length: ${words.length}\r\n\r\n${words}`
  const gone = Promise.withResolvers<void>()
  const path = await scripted.listen(
    'hasty',
    createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', data => {
        if (data.includes('GET /version')) return reply(socket, { ApiVersion: '1.41' })
        if (data.includes('/info')) return reply(socket, { OSType: 'linux', Architecture: 'x' })
        socket.write(answer, () => {
          socket.destroy()
          gone.resolve()
        })
      })
    }),
  )
  const fate = fresh()
  // Goes on in the very moment in which nobody takes it any more, and before the answer was looked at.
  const archive = async function* (): AsyncGenerator<Uint8Array> {
    yield chunk
    await gone.promise
    yield* archiveOf(1_000, fate)
  }
  const engine = await reach(path)
  expect(await failure(messagesOf(engine, archive()))).toEqual(
    matching('DOCKER_LOAD', /unexpected EOF \(HTTP 500\)/),
  )
  expect(fate).toEqual({ given: expect.toSatisfy((given: number) => given < 10), ended: true })
})

function reply(socket: Socket, value: unknown): void {
  const body = JSON.stringify(value)
  socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
}

it('an engine that dies while it reads', async () => {
  const fate = fresh()
  const engine = await engineThat(request => {
    request.once('data', () => request.socket.destroy())
  })
  expect(await failure(messagesOf(engine, archiveOf(10_000, fate)))).toEqual(
    matching('DOCKER_LOST', /broke \(POST \/images\/load\)/),
  )
  expect(fate.ended).toBe(true)
})

it('the archive waits for an engine that reads slowly', async () => {
  const fate = fresh()
  const { promise: seen, resolve } = Promise.withResolvers<number>()
  const engine = await engineThat((request, response) => {
    setTimeout(() => {
      resolve(fate.given)
      after(() => response.end('{"stream":"done"}'))(request, response)
    }, 300)
  })
  expect(await messagesOf(engine, archiveOf(400, fate))).toEqual([{ kind: 'said', text: 'done' }])
  expect(await seen).toBeLessThan(50)
  expect(fate.given).toBe(400)
})

it('an error of the archive is thrown as it is, whatever the engine makes of its end', async () => {
  const reason = new Error('the blob lies')
  const engine = await engineThat((request, response) => {
    request.on('error', () => response.end('{"error":"unexpected EOF"}'))
    request.resume()
    response.write('{"stream":"so far"}')
  })
  const archive = async function* (): AsyncGenerator<Uint8Array> {
    yield chunk
    await delay(100)
    throw reason
  }
  expect(await failure(messagesOf(engine, archive()))).toBe(reason)
})

it('an abort ends request and archive, and throws its reason', async () => {
  const fate = fresh()
  const gone = Promise.withResolvers<void>()
  const engine = await engineThat(request => {
    request.socket.once('close', () => gone.resolve())
    request.resume()
  })
  const aborting = new AbortController()
  const reason = new Error('Ctrl-C')
  setTimeout(() => aborting.abort(reason), 150)
  const load = engine.load(archiveOf(10_000, fate, 10), {
    signal: aborting.signal,
    onMessage: () => {},
  })
  expect(await failure(load)).toBe(reason)
  await gone.promise
  expect(fate.ended).toBe(true)
})

it('an engine that does nothing more is given up; an archive that is slow is not', async () => {
  const silent = await engineThat(
    after(() => {}),
    { work: 200 },
  )
  expect(await failure(messagesOf(silent))).toEqual(matching('DOCKER_SILENT', /does not answer/))
  const patient = await engineThat(
    after(response => response.end('{"stream":"done"}')),
    { work: 200 },
  )
  const slow = async function* (): AsyncGenerator<Uint8Array> {
    yield chunk
    await delay(600)
    yield chunk
  }
  const messages: LoadMessage[] = []
  await patient.load(slow(), { signal: never, onMessage: message => messages.push(message) })
  expect(messages).toEqual([{ kind: 'said', text: 'done' }])
})

it('an archive whose length is known goes with that', async () => {
  const lengths: (string | undefined)[] = []
  const engine = await engineThat((request, response) => {
    lengths.push(request.headers['content-length'])
    after(done => done.end('{"stream":"done"}'))(request, response)
  })
  await engine.load(archiveOf(3), { signal: never, length: 3 * chunk.length, onMessage: () => {} })
  await engine.load(archiveOf(3), { signal: never, onMessage: () => {} })
  expect(lengths).toEqual([String(3 * chunk.length), undefined])
})
