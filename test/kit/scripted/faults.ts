import type { RequestEntry } from './exchange.ts'

/** Header fields of an answer; `undefined` takes one away. */
export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>

/** What befalls one request. */
export interface Fault {
  /** Answered instead of anything else, with `headers` and `body`; the request's body is not waited for. */
  readonly status?: number
  /**
   * Put over those of the answer: lies about digest, size and content type, Retry-After, Location… With a
   * Content-Length above what there is, the connection ends early.
   */
  readonly headers?: Fields
  /** Instead of the answer's own. Content-Length stays that of the true one unless `headers` has it. */
  readonly body?: string | Uint8Array
  /** The connection is reset when the request has come, before or after it was done. */
  readonly drop?: 'before' | 'after'
  /** The connection is reset when so many bytes of the request's body have come. */
  readonly cutUp?: number
  /** The connection ends after so many bytes of the answer's body. */
  readonly cutDown?: number
  /** After so many bytes of the answer's body nothing more comes, and the connection stays. */
  readonly stall?: number
  /** The connection ends with the answer, whether or not the request's body has come. */
  readonly closes?: boolean
  /** The answer's body never ends. */
  readonly endless?: boolean
  /** Milliseconds before anything is done. */
  readonly delay?: number
  /** Is called, and waited for, before anything is done: to take a token's right away, to end a server. */
  readonly first?: () => unknown
}

/** Which requests a fault befalls. */
export interface Match {
  readonly method?: string
  /** Found in the path with its query. */
  readonly path?: string | RegExp
  /** So many of them; one by default. */
  readonly times?: number
  /** After so many that are spared. */
  readonly after?: number
}

/** The faults that wait for their requests, the first that matches counts. */
export class Faults {
  readonly #waiting: { readonly match: Match; readonly fault: Fault; seen: number }[] = []

  add(match: Match, fault: Fault): void {
    this.#waiting.push({ match, fault, seen: 0 })
  }

  clear(): void {
    this.#waiting.length = 0
  }

  /** The fault of this request, which is counted. */
  next(request: RequestEntry): Fault {
    for (const one of this.#waiting) {
      const { method, path, times = 1, after = 0 } = one.match
      if (method !== undefined && method !== request.method) continue
      if (typeof path === 'string' && !request.path.includes(path)) continue
      if (path instanceof RegExp && !path.test(request.path)) continue
      one.seen++
      if (one.seen > after && one.seen <= after + times) return one.fault
    }
    return {}
  }
}
