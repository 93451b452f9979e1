import type { Readable } from 'node:stream'
import type { Scope } from '../auth/scope.ts'

/** A body that can be sent again from its beginning, after a challenge or a drop. */
export interface RequestBody {
  readonly length: number
  open(): OpenBody | Uint8Array
}

/** Bytes on their way into a request. A piece is not read any more once the next is drawn. */
export interface OpenBody extends AsyncIterable<Uint8Array> {
  /** Nobody wants the rest: what waits for it ends. */
  destroy(): void
}

export interface RegistryRequest {
  /** The registry as references name it; `docker.io` goes to registry-1.docker.io. */
  readonly domain: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/v2/…` with its query, or an absolute URL that the registry itself gave (an upload's Location), used as it stands. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RequestBody
  /** The newest scope first; several for a mount from another repository. */
  readonly scopes: readonly Scope[]
  /** For pulls: mirrors may answer. */
  readonly mirrored?: boolean
  /** Retried after a drop and on 5xx; by default for GET, HEAD, PUT and DELETE. */
  readonly isRepeatable?: boolean
  /** A GET of much, whose body is then a `BulkBody` where that can be had. */
  readonly isBulk?: boolean
  /** Goes out even when the run was ended: what a registry holds for it is let go of. Ends with `signal` alone. */
  readonly isFarewell?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface RegistryResponse {
  readonly status: number
  /** Lower-case names; what came twice is joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** The body as it comes; must be read or destroyed. */
  readonly body: Readable
  /** After redirects. */
  readonly url: string
}

/** Sends requests: finds the host, speaks TLS, authenticates, retries, waits, follows redirects without credentials. */
export interface Transport {
  /**
   * Answers with any status but those it deals with itself (401, 408, 429, 5xx after the last retry are
   * errors). Throws `REGISTRY_UNREACHABLE`, `REGISTRY_TLS`, `REGISTRY_DENIED` (401, 403), `REGISTRY_BUSY` (429),
   * `REGISTRY_BROKEN` (5xx), `REGISTRY_REDIRECT`, `OFFLINE`.
   */
  request(request: RegistryRequest): Promise<RegistryResponse>
  /** What a registry said, without credentials that this run has seen: for messages. */
  hide(text: string): string
  close(): Promise<void>
}
