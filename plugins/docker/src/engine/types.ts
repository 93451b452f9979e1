import type { Digest, Platform } from '@orch/oci'

/** Where images lie in an engine, which says what a load can do. */
export type ImageStore = 'graph-driver' | 'containerd'

/** What an engine told of itself. */
export interface EngineInfo {
  readonly store: ImageStore
  /** What containers run as when nothing is said. */
  readonly platform: Platform
  /** `1.41`, the version that is spoken. */
  readonly apiVersion: string
  /** `20.10.24`, for messages only. */
  readonly version: string
}

/** One manifest of an image in a containerd store. */
export interface EngineManifest {
  readonly digest: Digest
  /** `unknown` as long as its content is not there. */
  readonly kind: 'image' | 'attestation' | 'unknown'
  /** Whether all of its content is there. */
  readonly available: boolean
  readonly platform: Platform | undefined
  /** Bytes of it that are unpacked; 0 for an image that cannot run, undefined where that is not told. */
  readonly unpacked?: number | undefined
}

/** An image as the list of all tells of it. */
export interface ListedImage {
  /** Digest of the config (graph driver), or of the target: index or manifest (containerd). */
  readonly id: Digest
  /** As the engine shows them: `hello:latest`. */
  readonly tags: readonly string[]
  /** diffIDs, from the lowest; in a list of the containerd store none, since that does not tell them. */
  readonly diffIds: readonly Digest[]
  /** With the containerd store, where its API tells (1.48): what the image consists of. */
  readonly manifests: readonly EngineManifest[]
}

/** An image of an engine, inspected. With the containerd store diffIDs and platform are those of the best manifest it has. */
export interface EngineImage extends ListedImage {
  readonly platform: Platform
}

/** What an engine says while it loads, from the JSON messages of its answer. */
export type LoadMessage =
  /** Bytes of a layer, by the first 12 digits of its diffID. */
  | {
      readonly kind: 'progress'
      readonly id: string
      readonly current: number
      readonly total: number
    }
  /** `Loaded image: x:1`, `The image x:1 already exists, renaming the old one…`, `Error unpacking image…`. */
  | { readonly kind: 'said'; readonly text: string }

/** A Docker Engine that was reached. Every call throws `DOCKER_…` (see docs/errors.md) and the signal's reason. */
export interface Engine {
  /** For messages: `unix:///var/run/docker.sock`, `tcp://host:2376 (context ci)`. */
  readonly where: string
  readonly info: EngineInfo
  /** Image by name or ID; undefined when there is none. */
  inspect(nameOrId: string, signal: AbortSignal): Promise<EngineImage | undefined>
  /** All images, in no order; one that is removed meanwhile may be missing. */
  images(signal: AbortSignal): Promise<readonly ListedImage[]>
  /** Gives an image another name (a whole reference with tag). False when there is no such image. */
  tag(id: string, name: string, signal: AbortSignal): Promise<boolean>
  /** Removes an image that has no name. False when there is none, or it is in use. */
  remove(id: string, signal: AbortSignal): Promise<boolean>
  /**
   * Streams an archive to `POST /images/load`; resolves when the answer ended well. An error inside the
   * answer is `DOCKER_LOAD`, an answer that is cut off `DOCKER_LOST`, no space `DOCKER_FULL`. An error of
   * `archive` itself is thrown as it is.
   * @param platforms what is wanted of it, told by `platform` where the API has that (1.48: one; 1.52: several)
   */
  load(
    archive: AsyncIterable<Uint8Array>,
    options: {
      readonly signal: AbortSignal
      readonly platforms?: readonly Platform[] | undefined
      /** Of the archive, in bytes, if that is known: an engine takes it a little faster then. */
      readonly length?: number | undefined
      readonly onMessage: (message: LoadMessage) => void
    },
  ): Promise<void>
  /** The archive of images as `docker save` gives it. It must be read, or the signal aborted, or the engine closed. */
  save(names: readonly string[], signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  close(): void
}

/** Where to look for the engine: options of the exporter or source; the environment fills in the rest. */
export interface EndpointOptions {
  readonly host?: string | undefined
  readonly context?: string | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** What an engine's address says. */
export type Host =
  | { readonly kind: 'unix' | 'npipe'; readonly path: string }
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      /** What comes before the paths of the API: empty, or `/prefix`. */
      readonly prefix: string
      /** Whether the address itself asks for TLS, forbids it, or leaves it to the rest. */
      readonly tls: 'always' | 'never' | 'maybe'
    }
  | {
      readonly kind: 'ssh'
      readonly host: string
      readonly user: string | undefined
      readonly port: number | undefined
      /** The engine's socket there; undefined for what the docker command there chooses. */
      readonly path: string | undefined
    }

/** Paths of PEM files; each undefined when there is none. */
export interface TlsFiles {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** Whether the engine's certificate is checked; only its owner's own word turns that off. */
  readonly verify: boolean
}

/** Where an engine is, and how that became known. */
export interface Endpoint {
  /** For messages and to tell engines apart: `tcp://host:2376 (context ci)`. */
  readonly where: string
  readonly host: Host
  /** Undefined where no TLS is spoken. */
  readonly tls: TlsFiles | undefined
  readonly by: 'option' | 'environment' | 'context' | 'default'
  readonly env: Environment
}
