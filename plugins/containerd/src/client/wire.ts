/** What goes over the wire: the messages of proto/containerd, as they are read (every field there) and written. */

export type Strings = Readonly<Record<string, string>>
export type Empty = Record<string, never>

interface Timestamp {
  readonly seconds: number
  readonly nanos: number
}

interface FieldMask {
  readonly paths: readonly string[]
}

export interface WireDescriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations: Strings
}

export interface WireMount {
  readonly type: string
  readonly source: string
  readonly target: string
  readonly options: readonly string[]
}

export interface WireStatus {
  readonly updatedAt: Timestamp | null
  readonly ref: string
  readonly offset: number
  readonly total: number
  readonly expected: string
}

export interface WireImage {
  readonly name: string
  readonly labels: Strings
  readonly target: WireDescriptor | null
  /** Said by the daemon alone. */
  readonly updatedAt?: Timestamp | null
}

export interface WirePlugin {
  readonly type: string
  readonly id: string
  readonly platforms: readonly {
    readonly os: string
    readonly architecture: string
    readonly variant: string
  }[]
  readonly initErr: { readonly code: number; readonly message: string } | null
}

export interface WireWriteRequest {
  readonly action: 'STAT' | 'WRITE' | 'COMMIT'
  readonly ref: string
  readonly total: number
  readonly expected: string
  readonly offset: number
  readonly labels: Strings
  /** In pieces; joined when the message is made. */
  readonly data: readonly Uint8Array[]
  /** Whether the memory before the only piece is the message's. */
  readonly hasRoom: boolean
}

export interface WireWriteResponse {
  readonly offset: number
  readonly total: number
  readonly digest: string
}

interface Labelled {
  readonly id: string
  readonly labels: Strings
}

interface Resource {
  readonly id: string
  readonly type: string
}

interface Call<Request extends object, Response extends object> {
  readonly request: Request
  readonly response: Response
}

interface Snapshot {
  readonly snapshotter: string
  readonly key: string
}

/** One question, one answer: `<service>.<Service>/<Method>` in the package containerd.services.<service>.v1. */
export interface UnaryMethods {
  'version.Version/Version': Call<Empty, { readonly version: string; readonly revision: string }>
  'namespaces.Namespaces/Get': Call<
    { readonly name: string },
    { readonly namespace: { readonly labels: Strings } | null }
  >
  'namespaces.Namespaces/List': Call<
    Empty,
    { readonly namespaces: readonly { readonly name: string }[] }
  >
  'leases.Leases/Create': Call<Labelled, object>
  'leases.Leases/Delete': Call<{ readonly id: string; readonly sync: boolean }, object>
  'leases.Leases/List': Call<
    { readonly filters: readonly string[] },
    { readonly leases: readonly Labelled[] }
  >
  'leases.Leases/AddResource': Call<{ readonly id: string; readonly resource: Resource }, object>
  'leases.Leases/ListResources': Call<
    { readonly id: string },
    { readonly resources: readonly Resource[] }
  >
  'content.Content/Info': Call<
    { readonly digest: string },
    {
      readonly info: {
        readonly digest: string
        readonly size: number
        readonly labels: Strings
      } | null
    }
  >
  'content.Content/Update': Call<
    {
      readonly info: { readonly digest: string; readonly labels: Strings }
      readonly updateMask: FieldMask
    },
    object
  >
  'content.Content/Status': Call<{ readonly ref: string }, { readonly status: WireStatus | null }>
  'content.Content/ListStatuses': Call<
    { readonly filters: readonly string[] },
    { readonly statuses: readonly WireStatus[] }
  >
  'content.Content/Abort': Call<{ readonly ref: string }, object>
  'images.Images/Get': Call<{ readonly name: string }, { readonly image: WireImage | null }>
  'images.Images/List': Call<
    { readonly filters: readonly string[] },
    { readonly images: readonly WireImage[] }
  >
  'images.Images/Create': Call<{ readonly image: WireImage }, { readonly image: WireImage | null }>
  'images.Images/Update': Call<
    { readonly image: WireImage; readonly updateMask: FieldMask },
    { readonly image: WireImage | null }
  >
  'images.Images/Delete': Call<{ readonly name: string }, object>
  'snapshots.Snapshots/Prepare': Call<
    Snapshot & { readonly parent: string; readonly labels: Strings },
    { readonly mounts: readonly WireMount[] }
  >
  'snapshots.Snapshots/Commit': Call<
    Snapshot & { readonly name: string; readonly labels: Strings },
    object
  >
  'snapshots.Snapshots/Remove': Call<Snapshot, object>
  'snapshots.Snapshots/Stat': Call<Snapshot, object>
  'diff.Diff/Apply': Call<
    { readonly diff: WireDescriptor; readonly mounts: readonly WireMount[] },
    { readonly applied: WireDescriptor | null }
  >
  'introspection.Introspection/Plugins': Call<
    { readonly filters: readonly string[] },
    { readonly plugins: readonly WirePlugin[] }
  >
}

/** One question, many answers. */
export interface ReadMethods {
  'content.Content/Read': Call<
    { readonly digest: string; readonly offset: number },
    { readonly data: Buffer }
  >
  'events.Events/Subscribe': Call<
    { readonly filters: readonly string[] },
    { readonly namespace: string; readonly topic: string }
  >
}

/** Many of both. */
export interface DuplexMethods {
  'content.Content/Write': Call<WireWriteRequest, WireWriteResponse>
}

export type Methods = UnaryMethods & ReadMethods & DuplexMethods
