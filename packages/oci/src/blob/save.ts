import { type FileHandle, open } from 'node:fs/promises'
import type { Blob } from './blob.ts'
import { BlobCheck } from './check.ts'
import { type Stretch, stretches } from './stretches.ts'

/** So many writes to a file are under way while the next stretch is read and hashed. */
const writesAhead = 2
/** So many bytes written, and the system begins to bring them to the disk: at the end little is left to wait for. */
const syncEvery = 32 * 1024 * 1024

/**
 * Writes a blob into a new file and syncs it. Throws `BLOB_CORRUPT` when size or digest is not the
 * descriptor's, and then as on any failure leaves the file to be removed.
 */
export async function saveBlob(
  blob: Blob,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(path, 'wx', 0o644)
  const writer = new Writer(file)
  try {
    const check = new BlobCheck(blob.descriptor)
    // One byte more than there should be, to see that there is none.
    const end = blob.descriptor.size + 1
    for await (const stretch of stretches(blob, { end, signal })) {
      check.update(stretch.data)
      await writer.write(stretch)
    }
    check.end()
    await writer.end()
  } finally {
    await writer.close()
  }
}

/** Writes stretches where they belong, some at once, and tells of a failure as soon as it is asked something. */
class Writer {
  readonly #file: FileHandle
  readonly #under: Promise<void>[] = []
  #unsynced = 0
  #syncing: Promise<void> | undefined

  constructor(file: FileHandle) {
    this.#file = file
  }

  async write(stretch: Stretch): Promise<void> {
    this.#under.push(heard(this.#put(stretch)))
    if (this.#under.length > writesAhead) await this.#under.shift()
    this.#unsynced += stretch.data.byteLength
    if (this.#unsynced < syncEvery) return
    this.#unsynced = 0
    await this.#syncing
    this.#syncing = heard(this.#file.datasync())
  }

  async end(): Promise<void> {
    await Promise.all(this.#under)
    await this.#syncing
    await this.#file.sync()
  }

  /** Waits for what is under way, whose memory must stay until then. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#under, this.#syncing])
    await this.#file.close()
  }

  async #put({ at, data, release }: Stretch): Promise<void> {
    for (let done = 0; done < data.byteLength; ) {
      const length = data.byteLength - done
      const { bytesWritten } = await this.#file.write(data, done, length, at + done)
      done += bytesWritten
    }
    release()
  }
}

/** A promise whose failure somebody will ask for later. */
function heard(promise: Promise<void>): Promise<void> {
  promise.catch(() => {})
  return promise
}
