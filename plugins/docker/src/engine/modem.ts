import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http'
import { isObject, type Json, messageOf, parseJson } from '@orch/oci'
import type Docker from 'dockerode'
import { BadAnswer, CutOff, Refusal, Silence } from './errors.ts'
import type { Line } from './line.ts'

/** How a call is made. */
export interface Calling {
  readonly signal: AbortSignal
  /** How long nothing may move while the engine is the one to act, in milliseconds. */
  readonly patience: number
  /** `1.41`; undefined for what has no version. */
  readonly apiVersion?: string | undefined
  /** Of the body that is sent, in bytes; undefined when it is not known beforehand. */
  readonly length?: number | undefined
}

/** dockerode, with what its types lack. */
export type Client = Docker & {
  getImages(options: { readonly names: readonly string[] }): Promise<NodeJS.ReadableStream>
}

/** What dockerode asks of its modem: a call, as its own table of the API describes it. */
interface Dial {
  readonly path: string
  readonly method: string
  readonly options?: Readonly<Record<string, unknown>> | undefined
  readonly file?: AsyncIterable<Uint8Array> | undefined
  readonly isStream?: boolean | undefined
}

/** The largest document that is read: a list of very many images. */
const maxDocument = 64 * 1024 * 1024
const maxWords = 64 * 1024

/** dockerode over a line of ours. */
export async function dockerode(line: Line, calling: Calling): Promise<Client> {
  // Loaded when it is needed: most commands do without.
  const { default: Docker } = await import('dockerode')
  const options: { modem: Modem; Promise: typeof Promise } = {
    modem: new Modem(line, calling),
    Promise,
  }
  return new Docker(options) as Client
}

/**
 * Sends the calls of dockerode. Its own modem reads the environment, follows redirects, never ends when
 * an answer breaks off, and loses an answer that comes before everything was sent.
 */
class Modem {
  /** Set by dockerode. */
  Promise: typeof Promise = Promise
  readonly #line: Line
  readonly #calling: Calling

  constructor(line: Line, calling: Calling) {
    this.#line = line
    this.#calling = calling
  }

  dial(dial: Dial, callback: (error: unknown, result?: unknown) => void): void {
    this.#send(dial).then(
      result => callback(null, result),
      error => callback(error),
    )
  }

  async #send(dial: Dial): Promise<IncomingMessage | Json> {
    const { signal, patience, apiVersion, length } = this.#calling
    signal.throwIfAborted()
    const version = apiVersion === undefined ? '' : `/v${apiVersion}`
    const request: RequestOptions & { servername: string } = {
      agent: this.#line.agent,
      // The line knows what TLS asks for; Node would work it out with each call.
      servername: '',
      method: dial.method,
      path: `${this.#line.prefix}${version}${pathOf(dial)}`,
      headers: {
        Host: this.#line.authority,
        ...(dial.file === undefined ? {} : { 'Content-Type': 'application/x-tar' }),
        ...lengthOf(dial, length),
      },
      signal,
    }
    const sent = process.getBuiltinModule('node:http').request(request)
    watch(sent, patience)
    const answered = answerOf(sent, signal)
    if (dial.file === undefined) sent.end()
    else void pour(dial.file, sent)
    const answer = await answered
    const status = answer.statusCode ?? 0
    if (status < 200 || status > 299) throw new Refusal(status, await wordsOf(answer))
    if (dial.isStream === true) return whole(answer)
    const bytes = await collect(answer, maxDocument)
    return bytes.length === 0 ? null : jsonOf(bytes)
  }
}

/** A body of unknown length goes in chunks, which costs the reader time. */
function lengthOf({ method, file }: Dial, length: number | undefined): OutgoingHttpHeaders {
  const known = file === undefined && method === 'POST' ? 0 : length
  return known === undefined ? {} : { 'Content-Length': known }
}

function pathOf({ path, options = {} }: Dial): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(options))
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== undefined) query.append(key, String(item))
  const plain = path.replace(/\?$/, '')
  return query.size === 0 ? plain : `${plain}?${query}`
}

function answerOf(sent: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // A request that waits for a connection does not hear it.
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    sent.once('close', () => signal.removeEventListener('abort', stop))
    sent.once('response', resolve)
    // Stays, since the connection may break after the answer came: then that is told by the answer.
    sent.on('error', reject)
    sent.once('close', () => reject(new CutOff('it was closed before there was an answer')))
  })
}

/** Sends a body at the pace at which it is taken, until it ends or the request does. */
async function pour(body: AsyncIterable<Uint8Array>, sent: ClientRequest): Promise<void> {
  try {
    for await (const chunk of body) {
      if (sent.closed || sent.destroyed) return
      if (!sent.write(chunk)) await drained(sent)
    }
    sent.end()
  } catch {
    // The caller sees the error of its own body; here it only ends the request.
    sent.destroy()
  }
}

function drained(sent: ClientRequest): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      sent.off('drain', done)
      sent.off('close', done)
      resolve()
    }
    sent.on('drain', done)
    sent.on('close', done)
    if (sent.closed) done()
  })
}

/** Ends a request on whose connection nothing moves although it is the engine's turn. */
function watch(sent: ClientRequest, patience: number): void {
  let answer: IncomingMessage | undefined
  let moved = -1
  let since = Date.now()
  const look = (): void => {
    const { bytesRead = 0, bytesWritten = 0 } = sent.socket ?? {}
    const ours = answer !== undefined && answer.readableLength > 0
    // One that waits for a connection was not asked yet.
    const theirs = sent.socket !== null && (sent.writableEnded || sent.writableNeedDrain)
    if (moved !== bytesRead + bytesWritten || ours || !theirs) {
      moved = bytesRead + bytesWritten
      since = Date.now()
    } else if (Date.now() - since >= patience) {
      const silence = new Silence(`nothing came for ${Math.ceil(patience / 1000)} s`)
      if (answer === undefined) sent.destroy(silence)
      else answer.destroy(silence)
    }
  }
  const timer = setInterval(look, patience / 8)
  sent.once('response', (response: IncomingMessage) => {
    answer = response
  })
  sent.once('close', () => clearInterval(timer))
}

/** Refuses an answer that ends with its connection: one that broke off would look the same. */
function whole(answer: IncomingMessage): IncomingMessage {
  const { 'transfer-encoding': coding = '', 'content-length': length } = answer.headers
  if (length !== undefined || /chunked/i.test(coding)) return answer
  answer.destroy()
  throw new BadAnswer('what does not say where it ends')
}

async function collect(answer: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer) {
    size += chunk.length
    if (size > limit) throw new BadAnswer(`more than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function jsonOf(bytes: Buffer): Json {
  try {
    return parseJson(bytes, 'it', maxDocument)
  } catch (cause) {
    throw new BadAnswer(`what is no JSON (${messageOf(cause)})`, { cause })
  }
}

/** `{"message":"…"}`, or whatever else there is, such as the page of a proxy. */
async function wordsOf(answer: IncomingMessage): Promise<string> {
  const bytes = await collect(answer, maxWords)
  try {
    const parsed = parseJson(bytes, 'the answer')
    if (isObject(parsed) && typeof parsed['message'] === 'string') return parsed['message']
  } catch {
    // It is text then.
  }
  return bytes.toString('utf8').trim() || (answer.statusMessage ?? '')
}
