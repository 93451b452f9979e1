import { createHash, type Hash } from 'node:crypto'
import { OrchError, shown } from '../errors.ts'

export type DigestAlgorithm = 'sha256' | 'sha512'
/** `algorithm:hex`, checked: a value of this type is safe as a file name. */
export type Digest = `${DigestAlgorithm}:${string}` & { readonly digest: unique symbol }

const hexLength: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 }

/**
 * Reads a digest (image-spec, descriptor.md#digests): a registered algorithm and its lower-case hex.
 * Throws `DIGEST_INVALID` on anything else, so a digest never becomes a path before it was checked.
 */
export function parseDigest(text: string): Digest {
  const match = /^(sha256|sha512):([0-9a-f]+)$/.exec(text)
  if (match === null || match[2]?.length !== hexLength[match[1] as DigestAlgorithm]) {
    throw new OrchError('DIGEST_INVALID', `${shown(text)} is not a digest`, {
      hint: 'Use sha256: or sha512: followed by 64 or 128 lower-case hex digits.',
    })
  }
  return text as Digest
}

/** Whether the text is a digest that `parseDigest` takes. */
export function isDigest(text: string): text is Digest {
  const [algorithm = '', hex = ''] = text.split(':', 2)
  return (
    Object.hasOwn(hexLength, algorithm) &&
    text === `${algorithm}:${hex}` &&
    /^[0-9a-f]+$/.test(hex) &&
    hex.length === hexLength[algorithm as DigestAlgorithm]
  )
}

/** The two halves of a digest. */
export function digestParts(digest: Digest): { algorithm: DigestAlgorithm; hex: string } {
  const at = digest.indexOf(':')
  return { algorithm: digest.slice(0, at) as DigestAlgorithm, hex: digest.slice(at + 1) }
}

/** The digest of bytes in memory. */
export function digestOf(
  bytes: Uint8Array | string,
  algorithm: DigestAlgorithm = 'sha256',
): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest
}

/** Counts and hashes bytes as they pass. */
export class Digester {
  readonly algorithm: DigestAlgorithm
  #hash: Hash
  #size = 0

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.algorithm = algorithm
    this.#hash = createHash(algorithm)
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#size += bytes.byteLength
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size
  }

  /** Ends the digester: call once. */
  digest(): Digest {
    return `${this.algorithm}:${this.#hash.digest('hex')}` as Digest
  }
}
