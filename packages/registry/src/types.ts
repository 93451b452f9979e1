import type { Blob, Descriptor, Digest } from '@orch/oci'

/** What one registry host needs beyond the defaults. */
export interface HostSettings {
  /**
   * Speak HTTP without TLS. By default only with localhost and loopback addresses, after TLS was refused;
   * with `skipVerify` beside it, with any host after that.
   */
  readonly plainHttp?: boolean
  /** Accept any certificate. */
  readonly skipVerify?: boolean
  /** PEM files: who signs the registry's certificate, and what is shown to it. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Asked before the registry itself for pulls: `host[:port][/prefix]`, in this order. They never see its credentials. */
  readonly mirrors?: readonly string[]
  /**
   * Hosts, with or without port, that may be told this registry's credentials when its challenge names
   * them as token server. Its own host and domain need not be named (auth/realm.ts has the rule).
   */
  readonly tokenServers?: readonly string[]
  /** Requests under way at once; 8 by default. */
  readonly concurrency?: number
  /** Upload blobs in chunks of so many bytes. By default whole, and in chunks only when that is refused as too large. */
  readonly chunkBytes?: number
}

export interface RegistryOptions {
  /** By host as references name it, `docker.io` for Docker Hub. */
  readonly hosts?: Readonly<Record<string, HostSettings>>
  /** DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, HOME, HTTPS_PROXY, NO_PROXY and the like. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Put after orch's own. */
  readonly userAgent?: string
  readonly signal?: AbortSignal
  /** Nothing may touch the network: every call throws `OFFLINE`. */
  readonly offline?: boolean
  /** A registry's warning (RFC 7234, 299), each once. */
  readonly onWarning?: (host: string, warning: string) => void
}

/** What a reference resolved to. */
export interface Resolved {
  readonly descriptor: Descriptor
}

/** A manifest or an index as it is stored. */
export interface RemoteDocument extends Resolved {
  readonly bytes: Uint8Array
}

/** What became of a blob that a registry was to have. */
export type Pushed = 'there' | 'mounted' | 'sent'

/** One repository of one registry. Whatever comes from it is verified: size, then digest. */
export interface Repository {
  /** `docker.io/library/x`. */
  readonly name: string
  /**
   * HEAD of a tag or digest; undefined when there is none. Falls back to GET where HEAD says no digest.
   * Mirrors may answer unless `mirrored` is false: what was just written, they need not know.
   */
  resolve(
    reference: string,
    options?: { readonly signal?: AbortSignal | undefined; readonly mirrored?: boolean },
  ): Promise<Resolved | undefined>
  /** A manifest or index by tag or digest. Throws `REGISTRY_NOT_FOUND`. */
  document(reference: string, signal?: AbortSignal): Promise<RemoteDocument>
  /** A blob that is opened by GET when it is read, with Range resume; `origins` says this repository. Nothing is asked yet. */
  blob(descriptor: Descriptor): Blob
  /** Whether the blob is there. */
  has(digest: Digest, signal?: AbortSignal): Promise<boolean>
  /**
   * Brings a blob there: HEAD, then mount from `blob.origins` of the same registry, then upload (resumed
   * after a drop, in chunks when the registry wants it). `progress` hears how many
   * of its bytes were sent so far; after a failure the number may go back.
   */
  push(
    blob: Blob,
    options?: {
      readonly signal?: AbortSignal | undefined
      readonly progress?: (sent: number) => void
    },
  ): Promise<Pushed>
  /**
   * Puts a manifest or index under tags, or by digest with none, and reads it back. Answers its digest, which
   * the registry's was compared with. What it names must be there: else `BlobUnknownError` says what is not,
   * and pushing that again sends it. A document with a subject is listed among its referrers afterwards.
   */
  put(
    document: { readonly bytes: Uint8Array; readonly mediaType: string },
    tags: readonly string[],
    signal?: AbortSignal,
  ): Promise<Digest>
  /** All tags, page by page. */
  tags(signal?: AbortSignal): AsyncIterable<string>
  /** What refers to a digest, by the API and by the fallback tag. Throws `REGISTRY_BROKEN` when the API fails and there is no tag. */
  referrers(
    digest: Digest,
    options?: { readonly artifactType?: string; readonly signal?: AbortSignal },
  ): Promise<readonly Descriptor[]>
  /** Removes a manifest by digest, or a tag. */
  remove(reference: string, signal?: AbortSignal): Promise<void>
}

/** The registries of one run: connections, tokens and limits are shared by all repositories. Close it when done. */
export interface Registries {
  /** By domain and path of a reference. */
  repository(domain: string, path: string): Repository
  /** The repositories of a registry, page by page. */
  catalog(domain: string, signal?: AbortSignal): AsyncIterable<string>
  close(): Promise<void>
}
