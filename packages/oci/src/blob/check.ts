import type { Descriptor } from '../documents/descriptor.ts'
import { Digester, digestParts } from '../documents/digest.ts'
import { OrchError } from '../errors.ts'

/** Compares bytes with the descriptor of their blob as they pass. Throws `BLOB_CORRUPT`. */
export class BlobCheck {
  readonly #descriptor: Descriptor
  readonly #what: string
  readonly #digester: Digester

  constructor(descriptor: Descriptor, what: string = descriptor.digest) {
    this.#descriptor = descriptor
    this.#what = what
    this.#digester = new Digester(digestParts(descriptor.digest).algorithm)
  }

  /** Throws at once when there is too much. */
  update(bytes: Uint8Array): void {
    this.#digester.update(bytes)
    const { size } = this.#descriptor
    if (this.#digester.size > size) this.#corrupt(`is longer than its ${size} bytes`)
  }

  /** To be called once, after the last bytes. */
  end(): void {
    const { size, digest } = this.#descriptor
    if (this.#digester.size !== size) this.#corrupt(`has ${this.#digester.size} bytes, not ${size}`)
    const found = this.#digester.digest()
    if (found !== digest) this.#corrupt(`has the digest ${found}, not ${digest}`)
  }

  #corrupt(why: string): never {
    throw new OrchError('BLOB_CORRUPT', `blob ${this.#what} ${why}`, {
      hint: 'Its source is damaged or lies; fetch or build it again.',
    })
  }
}
