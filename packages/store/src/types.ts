import type { Blob, Descriptor, Json } from '@orch/oci'

/** What an action left: the blobs it made, and what else is to be remembered. */
export interface ActionResult {
  readonly blobs: readonly Descriptor[]
  readonly data: Json
}

/** What an action is: its kind, and everything that its result depends on. */
export interface Action {
  /** Such as `compile` or `compress`. */
  readonly kind: string
  /** Every input: canonical JSON of it is the key. */
  readonly inputs: Json
}

/** How an action came to its result. */
export interface ActionOutcome extends ActionResult {
  readonly key: string
  /** Whether nothing ran for this call: the result was remembered, or another call of this process was making it. */
  readonly hit: boolean
  /** The blobs of the result, held for this session. */
  readonly held: readonly Blob[]
}

/**
 * The content-addressed store as one running process sees it. Everything that a session adds or uses
 * stays on disk until the session ends, whatever other processes evict.
 */
export interface Store {
  /** The store's root folder. */
  readonly root: string
  /**
   * Takes bytes in: hashes, writes and syncs them, and returns a blob that lies in a file. With
   * `expected`, throws `BLOB_CORRUPT` when size or digest differ, and keeps nothing.
   */
  add(bytes: AsyncIterable<Uint8Array>, mediaType: string, options?: AddOptions): Promise<Blob>
  /** Moves a finished file into the store (a rename where it can be): it must not be used afterwards. */
  addFile(path: string, mediaType: string, options?: AddOptions): Promise<Blob>
  /** The blob, verified now and held until the session ends; undefined when the store lacks it. A corrupt one is dropped first. */
  get(descriptor: Descriptor): Promise<Blob | undefined>
  /**
   * The remembered result of an action, or the result of `run`, which is then remembered. In one
   * process an action runs once however many ask for it at the same time.
   */
  action(action: Action, run: () => Promise<ActionResult>): Promise<ActionOutcome>
  /**
   * Remembers under a name what was fetched for later: for a month after it was last asked for, the size
   * limit spares its blobs. What the name stood for before is forgotten. Throws `ACTION_INCOMPLETE` when a
   * blob is not in the store.
   */
  keep(name: string, result: ActionResult): Promise<void>
  /** The data that is kept under a name; undefined when there is none. */
  kept(name: string): Promise<Json | undefined>
  /** A new empty folder inside the store's file system, removed when the session ends or its process has died. */
  scratch(name: string): Promise<string>
  /** Evicts down to the size limit, then lets go of everything that the session holds. */
  close(): Promise<void>
}

export interface AddOptions {
  readonly expected?: Descriptor
  readonly signal?: AbortSignal | undefined
}

export interface StoreOptions {
  /** The root folder; by default `$ORCH_CACHE_DIR`, else `$XDG_CACHE_HOME/orch`, else `~/.cache/orch`. */
  readonly root?: string
  /** Bytes above which least recently used blobs are evicted; by default 10 GiB, or `$ORCH_CACHE_LIMIT` (`20GiB`). */
  readonly limit?: number
}
