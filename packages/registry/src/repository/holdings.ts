import { type Digest, Turns } from '@orch/oci'

/** What this run knows of one registry's blobs, so that each is sent there once. */
export class Holdings {
  /** Pushes of one blob run one after another: who comes second finds it there, or mounts it. */
  readonly pushes: Turns<Digest> = new Turns()
  /** Changes of one fallback tag of the referrers, by `path:tag`. */
  readonly tags: Turns<string> = new Turns()
  readonly #holders = new Map<Digest, Set<string>>()
  readonly #doubted = new Set<string>()

  /** The repository has the blob. */
  add(digest: Digest, path: string): void {
    const holders = this.#holders.get(digest) ?? new Set()
    this.#holders.set(digest, holders.add(path))
    this.#doubted.delete(`${path}@${digest}`)
  }

  has(digest: Digest, path: string): boolean {
    return this.#holders.get(digest)?.has(path) === true
  }

  /** The repositories that have the blob. */
  holders(digest: Digest): readonly string[] {
    return [...(this.#holders.get(digest) ?? [])]
  }

  /** The registry missed the blob although it had said it was there: neither HEAD nor mount is believed next time. */
  doubt(digest: Digest, path: string): void {
    this.#holders.get(digest)?.delete(path)
    this.#doubted.add(`${path}@${digest}`)
  }

  isDoubted(digest: Digest, path: string): boolean {
    return this.#doubted.has(`${path}@${digest}`)
  }
}
