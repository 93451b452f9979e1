import type { ExportContext } from '@orch/core'
import type { Descriptor, Digest } from '@orch/oci'
import type { Pushed } from '@orch/registry'

/** How many blobs, and bytes of them. */
interface Count {
  blobs: number
  bytes: number
}

/** How often progress is told, in milliseconds. */
const everyMs = 100

/** Counts what becomes of the blobs of one export, and tells how far they are. */
export class Tally {
  readonly sent: Count = { blobs: 0, bytes: 0 }
  readonly mounted: Count = { blobs: 0, bytes: 0 }
  readonly reused: Count = { blobs: 0, bytes: 0 }
  readonly #context: ExportContext
  readonly #place: { readonly exporter: string; readonly place: string }
  readonly #told = new Map<Digest, number>()
  readonly #settled = new Map<string, Pushed>()

  constructor(
    context: ExportContext,
    place: { readonly exporter: string; readonly place: string },
  ) {
    this.#context = context
    this.#place = place
  }

  /** A blob that may have to be sent: what is sent in all is known from the start. */
  announce(descriptor: Descriptor): void {
    this.#tell(descriptor, 0)
  }

  /** So many bytes of a blob are there. */
  progress(descriptor: Descriptor, current: number): void {
    const last = this.#told.get(descriptor.digest) ?? 0
    if (Date.now() - last >= everyMs) this.#tell(descriptor, current)
  }

  /** What became of a blob in a repository; what was thought of it there before no longer counts. */
  settle(descriptor: Descriptor, repository: string, pushed: Pushed): void {
    const { digest, size } = descriptor
    const key = `${repository}@${digest}`
    const before = this.#settled.get(key)
    if (before !== undefined) this.#count(before, -1, size)
    this.#settled.set(key, pushed)
    this.#count(pushed, 1, size)
    this.#tell(descriptor, size)
  }

  #count(pushed: Pushed, blobs: 1 | -1, size: number): void {
    const count = { sent: this.sent, mounted: this.mounted, there: this.reused }[pushed]
    count.blobs += blobs
    count.bytes += blobs * size
  }

  #tell({ digest, size }: Descriptor, current: number): void {
    this.#told.set(digest, Date.now())
    this.#context.events.emit({
      type: 'progress',
      image: this.#context.image.name,
      ...this.#place,
      what: digest,
      current,
      total: size,
    })
  }
}
