import type { Readable } from 'node:stream'
import type { Descriptor, Digest } from '@orch/oci'

export type Labels = Readonly<Record<string, string>>

/** What every call may be given. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** The lease that holds what the call writes (header `containerd-lease`). */
  readonly lease?: string | undefined
  /** How long to wait for the answer, in milliseconds; 30 s unless the call says another. */
  readonly timeout?: number | undefined
}

export interface Version {
  readonly version: string
  readonly revision: string
}

export interface Lease {
  readonly id: string
  readonly labels: Labels
}

/** What a lease holds: `content` by digest, `ingests` by ref, `snapshots/<snapshotter>` by key. */
export interface LeaseResource {
  readonly id: string
  readonly type: string
}

export interface ContentInfo {
  readonly digest: Digest
  readonly size: number
  readonly labels: Labels
}

/** An upload that is not committed. */
export interface Ingest {
  readonly ref: string
  /** Bytes that the daemon has. */
  readonly offset: number
  readonly total: number
  readonly expected: string
  /** Milliseconds since 1970. */
  readonly updatedAt: number
}

/** Bytes of memory that the head of a write message may take: its ref, sizes and digest. */
export const headRoom = 1024

export interface WriteRequest {
  readonly action: 'stat' | 'write' | 'commit'
  readonly ref: string
  readonly total: number
  readonly expected: Digest
  /** Where `data` begins. Zero, with bytes already there, truncates. */
  readonly offset?: number
  /** In pieces, so that they are joined once, in the message. */
  readonly data?: readonly Uint8Array[]
  /** The `headRoom` bytes of memory before the only piece of `data` are there for the message's head, so that nothing is copied. */
  readonly hasRoom?: boolean
  /** Put on the blob by `commit`. */
  readonly labels?: Labels
}

export interface WriteResponse {
  readonly offset: number
  readonly total: number
  readonly digest: string
}

/** One upload, open at the daemon: until it ends, its ref is locked for others. */
export interface WriteStream {
  /** Sends a request and waits for its answer; answers come in order, so that several may be on their way. */
  send(request: WriteRequest): Promise<WriteResponse>
  /** Ends the upload and waits until the daemon has let go of the ref. */
  end(): Promise<void>
  /** Breaks it off; what the daemon has stays as an ingest. */
  cancel(): void
}

export interface ImageRecord {
  readonly name: string
  readonly labels: Labels
  readonly target: Descriptor
}

/** A record as the daemon keeps it. */
export interface StoredImage extends ImageRecord {
  /** When it was last written: like no other write's. */
  readonly writtenAt: string
}

export interface Mount {
  readonly type: string
  readonly source: string
  readonly target: string
  readonly options: readonly string[]
}

export interface PluginInfo {
  /** Such as `io.containerd.snapshotter.v1`. */
  readonly type: string
  /** Such as `overlayfs`. */
  readonly id: string
  /** Such as `{os: 'linux', architecture: 'amd64', variant: ''}`. */
  readonly platforms: readonly {
    readonly os: string
    readonly architecture: string
    readonly variant: string
  }[]
  /** Why it did not start; empty when it did. */
  readonly error: string
}

export interface EventEnvelope {
  readonly namespace: string
  /** Such as `/images/create`. */
  readonly topic: string
}

/**
 * A connection to one containerd, bound to one namespace. Every call throws a `ContainerdError`; what is
 * merely not there is `undefined` where the type says so.
 */
export interface Client {
  /** As messages name it: a path, or `tcp://host:port`. */
  readonly address: string
  readonly namespace: string
  version(call?: CallOptions): Promise<Version>
  readonly namespaces: {
    list(call?: CallOptions): Promise<readonly string[]>
    /** The labels of this client's namespace; none when it does not exist yet. */
    labels(call?: CallOptions): Promise<Labels>
  }
  readonly leases: {
    create(id: string, labels: Labels, call?: CallOptions): Promise<void>
    /** With `sync`, what only this lease held is gone when it returns. A lease that is gone is no error. */
    delete(id: string, options: { readonly sync: boolean }, call?: CallOptions): Promise<void>
    list(filters: readonly string[], call?: CallOptions): Promise<readonly Lease[]>
    add(id: string, resource: LeaseResource, call?: CallOptions): Promise<void>
    resources(id: string, call?: CallOptions): Promise<readonly LeaseResource[]>
  }
  readonly content: {
    info(digest: Digest, call?: CallOptions): Promise<ContentInfo | undefined>
    /** Sets these labels and leaves the others. */
    label(digest: Digest, labels: Labels, call?: CallOptions): Promise<void>
    /** The blob's bytes from `offset` on. */
    read(
      digest: Digest,
      options?: { readonly offset?: number; readonly signal?: AbortSignal | undefined },
    ): Readable
    status(ref: string, call?: CallOptions): Promise<Ingest | undefined>
    statuses(filters: readonly string[], call?: CallOptions): Promise<readonly Ingest[]>
    /** Removes an ingest; one that is gone is no error. */
    abort(ref: string, call?: CallOptions): Promise<void>
    write(call?: CallOptions): WriteStream
  }
  readonly images: {
    get(name: string, call?: CallOptions): Promise<StoredImage | undefined>
    list(filters: readonly string[], call?: CallOptions): Promise<readonly StoredImage[]>
    create(image: ImageRecord, call?: CallOptions): Promise<StoredImage | undefined>
    /** Changes what `paths` name, such as `target` and `labels.<key>`, and nothing else. */
    update(
      image: ImageRecord,
      paths: readonly string[],
      call?: CallOptions,
    ): Promise<StoredImage | undefined>
    /** A record that is gone is no error. */
    delete(name: string, call?: CallOptions): Promise<void>
  }
  readonly snapshots: {
    /** Whether a snapshot of this name is there. */
    exists(snapshotter: string, key: string, call?: CallOptions): Promise<boolean>
    prepare(
      snapshotter: string,
      snapshot: { readonly key: string; readonly parent: string; readonly labels: Labels },
      call?: CallOptions,
    ): Promise<readonly Mount[]>
    commit(
      snapshotter: string,
      snapshot: { readonly key: string; readonly name: string; readonly labels: Labels },
      call?: CallOptions,
    ): Promise<void>
    /** A snapshot that is gone is no error. */
    remove(snapshotter: string, key: string, call?: CallOptions): Promise<void>
  }
  readonly diff: {
    /** Unpacks a layer into mounts; what comes back names the uncompressed bytes, its digest the diffID. */
    apply(layer: Descriptor, mounts: readonly Mount[], call?: CallOptions): Promise<Descriptor>
  }
  /** What the daemon is made of. */
  plugins(filters: readonly string[], call?: CallOptions): Promise<readonly PluginInfo[]>
  /** What happens in the daemon from now on, until the signal aborts. */
  events(filters: readonly string[], signal: AbortSignal): AsyncIterable<EventEnvelope>
  close(): void
}
