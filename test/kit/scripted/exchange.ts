import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Fields } from './faults.ts'

/** A request that came, whatever became of it. */
export interface RequestEntry {
  /** When it came, in milliseconds as `performance.now()` counts them. */
  readonly at: number
  readonly method: string
  /** With its query, as it came. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The scheme of its Authorization in lower case, or `none`. */
  readonly auth: string
  /** Bytes of its body that were read. */
  received: number
  /** Of the answer; 0 when there was none. */
  status: number
  /** Bytes of the answer's body that were written. */
  sent: number
}

/** One request and its answer, with what befalls them. */
export class Exchange {
  readonly entry: RequestEntry
  readonly request: IncomingMessage
  /** The path's own part and, as it came, the query's. */
  readonly path: string
  readonly rawQuery: string
  readonly query: URLSearchParams
  readonly #response: ServerResponse
  #fault: Fault = {}
  #common: Fields = {}

  constructor(request: IncomingMessage, response: ServerResponse) {
    const { method = '', url = '', headers } = request
    const auth = /^\S+/.exec(headers.authorization ?? 'none')?.[0].toLowerCase() ?? 'none'
    this.entry = {
      at: performance.now(),
      method,
      path: url,
      headers: { ...headers },
      auth,
      received: 0,
      status: 0,
      sent: 0,
    }
    this.request = request
    this.#response = response
    const [path = '', ...rest] = url.split('?')
    this.path = path
    this.rawQuery = rest.join('?')
    this.query = new URLSearchParams(this.rawQuery)
  }

  /** The host that the client named, with its port. */
  get host(): string {
    return this.request.headers.host ?? ''
  }

  /** Lets a fault befall it; false when that was all. `common` fields come with every answer. */
  async suffer(fault: Fault, common: Fields): Promise<boolean> {
    this.#fault = fault
    this.#common = common
    await fault.first?.()
    if (fault.delay !== undefined) await sleep(fault.delay)
    if (fault.drop === 'before') {
      this.reset()
      return false
    }
    if (fault.status === undefined) return true
    this.answer(fault.status)
    return false
  }

  /** Reads the body; false when its connection ended before it did. */
  async receive(take: (chunk: Buffer) => void = () => {}): Promise<boolean> {
    const { cutUp = Number.POSITIVE_INFINITY } = this.#fault
    if (cutUp === 0) return this.reset()
    try {
      for await (const chunk of this.request as AsyncIterable<Buffer>) {
        const part = chunk.subarray(0, cutUp - this.entry.received)
        this.entry.received += part.length
        take(part)
        if (this.entry.received >= cutUp) return this.reset()
      }
      return true
    } catch {
      // The client is gone: what it sent until then has been taken.
      return false
    }
  }

  /** Ends the connection without an answer. */
  reset(): false {
    this.request.socket.resetAndDestroy()
    return false
  }

  /** Answers; the fault's lies included. A HEAD's answer has the Content-Length of the body it lacks. */
  answer(status: number, headers: Fields = {}, body: string | Uint8Array = ''): void {
    const fault = this.#fault
    if (fault.drop === 'after') {
      this.reset()
      return
    }
    const own = Buffer.from(body)
    const length = {
      'content-length': String(
        fault.status === undefined ? own.length : Buffer.from(fault.body ?? '').length,
      ),
    }
    const told = { ...(status !== 204 && length), ...this.#common, ...headers, ...fault.headers }
    this.entry.status = status
    const response = this.#response
    for (const [name, value] of Object.entries(told))
      if (value !== undefined)
        response.setHeader(name, typeof value === 'string' ? value : [...value])
    if (fault.endless === true) response.removeHeader('content-length')
    if (fault.closes === true) response.setHeader('connection', 'close')
    response.writeHead(status)
    if (this.request.method === 'HEAD') response.end()
    else this.#write(fault.body === undefined ? own : Buffer.from(fault.body))
  }

  #write(body: Buffer): void {
    const { cutDown, stall, endless = false } = this.#fault
    const response = this.#response
    const isShort = Number(response.getHeader('content-length') ?? 0) > body.length
    const whole = cutDown === undefined && stall === undefined && !endless && !isShort
    const part = body.subarray(0, cutDown ?? stall)
    this.entry.sent = part.length
    if (whole) {
      response.end(part)
      return
    }
    response.flushHeaders()
    response.write(part, () => {
      if (cutDown !== undefined || (isShort && stall === undefined)) this.request.socket.destroy()
      else if (endless) this.#pour()
    })
  }

  /** Writes until the client goes. */
  #pour(): void {
    const filler = Buffer.alloc(64 * 1024, ' ')
    const response = this.#response
    const more = () => {
      if (response.destroyed) return
      this.entry.sent += filler.length
      response.write(filler, () => setImmediate(more))
    }
    more()
  }

  /** Answers with an error of the distribution specification. */
  refuse(status: number, code: string, detail?: unknown, headers: Fields = {}): void {
    const errors = [{ code, message: code.toLowerCase().replaceAll('_', ' '), detail }]
    const type = { 'content-type': 'application/json' }
    this.answer(status, { ...type, ...headers }, JSON.stringify({ errors }))
  }
}
