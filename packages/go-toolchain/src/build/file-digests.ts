import { stat } from 'node:fs/promises'
import { type Digest, fileBlob } from '@orch/oci'

/** A file that changed this short a time ago may change again without a trace in its times. */
const settledNanoseconds = 2_000_000_000n
/** Files open at the same time. */
const atOnce = 16

/**
 * Digests of files on disk. A file is read again only when its size or times differ from when it was
 * read, or when it had changed so shortly before that its times may not show another change.
 */
export class FileDigests {
  readonly #known = new Map<string, { identity: string; digest: Promise<Digest> }>()
  #free: number = atOnce
  readonly #waiting: (() => void)[] = []

  /**
   * Undefined when there is no such file. Throws `BLOB_CORRUPT` for a pipe or device, which it never
   * waits for, and the signal's reason.
   */
  async of(path: string, signal?: AbortSignal): Promise<Digest | undefined> {
    const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
      throw error
    })
    if (found === undefined || found.isDirectory()) return undefined
    const identity = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
    const known = this.#known.get(path)
    if (known?.identity === identity) return known.digest
    const digest = this.#read(path, signal)
    const now = BigInt(Date.now()) * 1_000_000n
    if (now - found.ctimeNs > settledNanoseconds) {
      this.#known.set(path, { identity, digest })
      digest.catch(() => this.#known.delete(path))
    }
    return digest
  }

  async #read(path: string, signal: AbortSignal | undefined): Promise<Digest> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return (await fileBlob(path, signal)).descriptor.digest
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
