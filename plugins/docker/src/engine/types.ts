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
  /** Whether all of its content is there. */
  readonly available: boolean
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
  /** `Loaded image ID: sha256:…`, `Error unpacking image…`. */
  | { readonly kind: 'said'; readonly text: string }

/** A Docker Engine that was reached. Every call throws `DOCKER_…` (see docs/errors.md) and the signal's reason. */
export interface Engine {
  /** For messages: `unix:///var/run/docker.sock`, `tcp://host:2376 (context ci)`. */
  readonly where: string
  readonly info: EngineInfo
  /** How many calls it takes at once, loads among them. */
  readonly atOnce: number
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
   */
  load(
    archive: AsyncIterable<Uint8Array>,
    options: {
      readonly signal: AbortSignal
      /** Of the archive, in bytes, if that is known: an engine takes it a little faster then. */
      readonly length?: number | undefined
      readonly onMessage: (message: LoadMessage) => void
    },
  ): Promise<void>
  /** The archive of images as `docker save` gives it. It must be read, or the signal aborted, or the engine closed. */
  save(names: readonly string[], signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  close(): void
}
