import type { ExportContext, Image } from '@orch/core'
import { type Descriptor, type Digest, type Platform, toError } from '@orch/oci'
import type { CallOptions, Client, ContentInfo, Labels } from '../client/types.ts'
import type { Endpoint } from '../endpoint.ts'
import type { ContainerdOptions } from '../options.ts'
import type { Content } from './content.ts'
import { lacking } from './labels.ts'
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

/** The blobs that were sent in all attempts of a load, each with how many bytes of it were. */
export type Sent = Map<Digest, number>

/** One attempt to put one image into one daemon, under one lease. */
export class Session {
  readonly load: Load
  readonly client: Client
  readonly lease: string
  readonly sent: Sent
  readonly unpacked: Platform[] = []
  /** Why it is over. */
  error: Error | undefined
  readonly #there: ReadonlyMap<Digest, ContentInfo>
  /** Each with its size. */
  readonly #settled = new Map<Digest, number>()
  /** Blobs of which was told that somebody else writes them. */
  readonly #told = new Set<Digest>()

  constructor(
    load: Load,
    client: Client,
    held: { readonly lease: string; readonly sent: Sent },
    there: ReadonlyMap<Digest, ContentInfo>,
  ) {
    this.load = load
    this.client = client
    this.lease = held.lease
    this.sent = held.sent
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

  /** What two sessions that would write the same blob into the same place have in common. */
  keyOf({ digest }: Descriptor): string {
    const { address, namespace } = this.client
    return JSON.stringify([address, namespace, digest])
  }

  /** Whether the blob is there and held by the lease. */
  isSettled({ digest }: Descriptor): boolean {
    return this.#settled.has(digest)
  }

  /**
   * Opens the upload of a blob; `there` when the daemon has it, which then gets the labels that it lacks;
   * `locked` when somebody else writes it and is not to be waited for.
   */
  async open(
    descriptor: Descriptor,
    labels: Labels,
    isWaiting: boolean,
  ): Promise<Upload | 'there' | 'locked'> {
    const { client, call } = this
    const patience = { isWaiting, told: () => this.#tellLock(descriptor) }
    const upload = await openUpload(client, descriptor, call, patience)
    if (upload !== 'there') return upload
    const info =
      this.#there.get(descriptor.digest) ?? (await client.content.info(descriptor.digest, call))
    const missing = lacking(info?.labels ?? {}, labels)
    if (Object.keys(missing).length > 0)
      await client.content.label(descriptor.digest, missing, call)
    this.#settled.set(descriptor.digest, descriptor.size)
    return 'there'
  }

  #tellLock({ digest }: Descriptor): void {
    if (this.#told.has(digest)) return
    this.#told.add(digest)
    const { image, context, endpoint } = this.load
    const message = `waiting for somebody else who writes ${digest} into ${endpoint.address}`
    context.events.emit({ type: 'log', level: 'info', image: image.name, message })
  }

  /** Puts a small blob there, unless the daemon has it. */
  async put(
    descriptor: Descriptor,
    labels: Labels,
    read: () => Promise<Uint8Array>,
  ): Promise<void> {
    if (this.isSettled(descriptor)) return
    if (this.had(descriptor)) {
      const upload = await this.open(descriptor, labels, true)
      if (upload === 'there') return
      if (upload !== 'locked') upload.cancel() // collected in the meantime
    }
    const patience = { isWaiting: true, told: () => this.#tellLock(descriptor) }
    await putWhole(this.client, descriptor, await read(), labels, this.call, patience)
    this.committed(descriptor, descriptor.size)
  }

  /** Removes what an upload left. */
  async discard(descriptor: Descriptor): Promise<void> {
    await this.client.content.abort(refOf(descriptor), this.call)
  }

  /** Notes that a blob is there, and how many bytes were sent for it. */
  committed(descriptor: Descriptor, bytes: number): void {
    const { digest, size } = descriptor
    this.#settled.set(digest, size)
    if (bytes > 0) this.sent.set(digest, (this.sent.get(digest) ?? 0) + bytes)
    this.progress(descriptor, size)
  }

  /** How many blobs, and bytes of them, were sent, and how many were there. */
  tallies(): Record<'sent' | 'reused', { blobs: number; bytes: number }> {
    const reused = [...this.#settled].filter(([digest]) => !this.sent.has(digest))
    return { sent: tallyOf([...this.sent]), reused: tallyOf(reused) }
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

function tallyOf(blobs: readonly (readonly [Digest, number])[]): { blobs: number; bytes: number } {
  return { blobs: blobs.length, bytes: blobs.reduce((sum, [, bytes]) => sum + bytes, 0) }
}
