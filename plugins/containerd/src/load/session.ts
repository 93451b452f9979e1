import type { ExportContext, Image } from '@orch/core'
import { type Blob, type Descriptor, type Digest, OrchError, toError } from '@orch/oci'
import type { CallOptions, Client, ContentInfo, Labels } from '../client/types.ts'
import type { Endpoint } from '../endpoint.ts'
import type { ContainerdOptions } from '../options.ts'
import type { Content } from './content.ts'
import { lacking, originLabels } from './labels.ts'
import { openUpload, putWhole, refOf, type Upload } from './upload.ts'

/** What one export asks for. */
export interface Request {
  readonly exporter: string
  readonly image: Image
  readonly options: ContainerdOptions
  readonly names: readonly string[]
  readonly endpoint: Endpoint
  readonly context: ExportContext
}

/** A request with everything that goes into the daemon for it. */
export interface Load extends Request {
  readonly content: Content
}

/** How many blobs, and bytes of them. */
export interface Tally {
  blobs: number
  bytes: number
}

/** One attempt to put one image into one daemon, under one lease. */
export class Session {
  readonly load: Load
  readonly client: Client
  readonly lease: string
  readonly sent: Tally = { blobs: 0, bytes: 0 }
  readonly reused: Tally = { blobs: 0, bytes: 0 }
  /** Why it is over. */
  error: Error | undefined
  readonly #there: ReadonlyMap<Digest, ContentInfo>
  readonly #settled = new Set<Digest>()

  constructor(load: Load, client: Client, lease: string, there: ReadonlyMap<Digest, ContentInfo>) {
    this.load = load
    this.client = client
    this.lease = lease
    this.#there = there
  }

  /** What every call of this attempt is made with. */
  get call(): CallOptions {
    return { signal: this.load.context.signal, lease: this.lease }
  }

  /** Whether the daemon had the blob when the attempt began. */
  had({ digest }: Descriptor): boolean {
    return this.#there.has(digest)
  }

  /** Whether the blob is there and held by the lease. */
  isSettled({ digest }: Descriptor): boolean {
    return this.#settled.has(digest)
  }

  /** Opens the upload of a blob; undefined when the daemon has it, which then gets the labels that it lacks. */
  async open(descriptor: Descriptor, labels: Labels): Promise<Upload | undefined> {
    const upload = await openUpload(this.client, descriptor, this.call)
    if (upload !== undefined) return upload
    const info =
      this.#there.get(descriptor.digest) ??
      (await this.client.content.info(descriptor.digest, this.call))
    const missing = lacking(info?.labels ?? {}, labels)
    if (Object.keys(missing).length > 0)
      await this.client.content.label(descriptor.digest, missing, this.call)
    this.#settle(descriptor, this.reused)
    return undefined
  }

  /** Puts a blob there whose bytes are in memory, unless the daemon has it. */
  async put(descriptor: Descriptor, bytes: Uint8Array, labels: Labels): Promise<void> {
    if (this.isSettled(descriptor)) return
    if (this.had(descriptor)) {
      const upload = await this.open(descriptor, labels)
      if (upload === undefined) return
      upload.cancel() // collected in the meantime
    }
    await putWhole(this.client, descriptor, bytes, labels, this.call)
    this.committed(descriptor)
  }

  /** Removes what an upload left. */
  async discard(descriptor: Descriptor): Promise<void> {
    await this.client.content.abort(refOf(descriptor), this.call)
  }

  /** Notes that a blob was sent whole. */
  committed(descriptor: Descriptor): void {
    this.#settle(descriptor, this.sent)
    this.progress(descriptor, descriptor.size)
  }

  #settle({ digest, size }: Descriptor, tally: Tally): void {
    if (this.#settled.has(digest)) return
    this.#settled.add(digest)
    tally.blobs += 1
    tally.bytes += size
  }

  /** Tells how much of a blob the daemon has. */
  progress({ digest, size }: Descriptor, current: number): void {
    const { image, exporter, endpoint, context } = this.load
    context.events.emit({
      type: 'progress',
      image: image.name,
      exporter,
      place: endpoint.address,
      what: digest,
      current,
      total: size,
    })
  }

  /** Does the work unless the attempt is over; a failure ends this attempt and no other. */
  async unlessOver<T>(work: (session: Session) => Promise<T>): Promise<T | undefined> {
    if (this.error !== undefined) return undefined
    try {
      return await work(this)
    } catch (error) {
      this.error ??= toError(error)
      return undefined
    }
  }
}

/** The labels that a blob without children gets. */
export function leafLabels(blob: Blob): Labels {
  return originLabels(blob)
}

/** The content of a source is not what its descriptor says. */
export function corrupt(
  { digest, mediaType }: Descriptor,
  why: string,
  cause?: unknown,
): OrchError {
  return new OrchError('BLOB_CORRUPT', `blob ${digest} (${mediaType}) ${why}`, {
    hint: 'Its source is damaged or lies; fetch or build it again.',
    cause,
  })
}
