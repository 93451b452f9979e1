import { createReadStream } from 'node:fs'
import {
  chmod,
  type FileHandle,
  link,
  lstat,
  open,
  rename,
  rm,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type Blob,
  blobFromFile,
  type Descriptor,
  type Digest,
  Digester,
  digestParts,
  diskError,
  errnoOf,
  OrchError,
  syncDirectory,
  Turns,
  verifiedBytes,
} from '@orch/oci'
import { type Content, contentOf, isSameFile, onDisk, removeTree, syncFile } from './files.ts'
import { blobPath, type Folders, heldName } from './folders.ts'
import type { Session } from './session.ts'
import type { AddOptions } from './types.ts'

/** A blob that this session has verified and holds. */
interface Held {
  readonly path: string
  readonly size: number
}

/** The blobs of a store, as one session sees them. */
export class Blobs {
  readonly #folders: Folders
  readonly #session: Session
  readonly #held = new Map<Digest, Held>()
  /** One thing at a time with each blob. */
  readonly #turns = new Turns<Digest>()

  constructor(folders: Folders, session: Session) {
    this.#folders = folders
    this.#session = session
  }

  /** See `Store.add`. */
  async add(
    bytes: AsyncIterable<Uint8Array>,
    mediaType: string,
    { expected, signal }: AddOptions = {},
  ): Promise<Blob> {
    const temporary = this.#session.temporary()
    return this.#finish(temporary, mediaType, expected, async () => {
      if (expected === undefined) return writeOut(bytes, temporary, signal)
      await writeOut(verifiedBytes(bytes, expected), temporary, signal)
      return expected
    })
  }

  /** See `Store.addFile`. */
  async addFile(path: string, mediaType: string, options: AddOptions = {}): Promise<Blob> {
    const temporary = this.#session.temporary()
    if (!(await moveIn(path, temporary))) {
      const blob = await this.add(bytesOf(path), mediaType, options)
      await rm(path, { force: true })
      return blob
    }
    const { expected, signal } = options
    return this.#finish(temporary, mediaType, expected, async () => {
      const { algorithm } = expected === undefined ? sha256 : digestParts(expected.digest)
      const found = await contentOf(temporary, algorithm, signal)
      if (found === undefined) throw new OrchError('BLOB_CORRUPT', `${path} cannot be read`)
      if (expected !== undefined) checkContent(path, found, expected)
      return found
    })
  }

  /** See `Store.get`. */
  async get(descriptor: Descriptor): Promise<Blob | undefined> {
    const { digest, size } = descriptor
    const held = await this.#turns.take(digest, () => this.#take(digest))
    // Bytes that match the digest are whole, so a size that differs is the descriptor's mistake.
    return held?.size === size
      ? { ...blobFromFile(held.path, descriptor), verified: true }
      : undefined
  }

  /** Fills a temporary file, and takes it in; it is gone afterwards in any case. */
  async #finish(
    temporary: string,
    mediaType: string,
    expected: Descriptor | undefined,
    fill: () => Promise<Content>,
  ): Promise<Blob> {
    try {
      const { digest, size } = await fill()
      const install = () => this.#install(temporary, digest, size)
      const held = await this.#turns.take(
        digest,
        async () => (await this.#take(digest)) ?? (await onDisk(this.#folders.root, install)),
      )
      return {
        ...blobFromFile(held.path, { ...expected, mediaType, digest, size }),
        verified: true,
      }
    } finally {
      await rm(temporary, { force: true })
    }
  }

  /** Holds a blob of the store and verifies it, once a session. A corrupt one is dropped. */
  async #take(digest: Digest): Promise<Held | undefined> {
    const known = this.#held.get(digest)
    if (known !== undefined) return known
    const main = blobPath(this.#folders, digest)
    const own = join(this.#session.held, heldName(digest))
    const path = await holdFile(main, own)
    if (path === undefined) return undefined
    const found = await contentOf(path, digestParts(digest).algorithm)
    if (found?.digest !== digest) {
      if (path === main || (await isSameFile(main, own))) await rm(main, { force: true })
      await rm(own, { force: true })
      return undefined
    }
    // The times of a blob say when it was last used. Another user's cannot be set: it only ages.
    await utimes(path, new Date(), new Date()).catch(() => {})
    return this.#hold(digest, path, found.size)
  }

  /** Puts a finished temporary file in its place, durable before it has its name. */
  async #install(temporary: string, digest: Digest, size: number): Promise<Held> {
    const main = blobPath(this.#folders, digest)
    const own = join(this.#session.held, heldName(digest))
    await chmod(temporary, 0o444)
    await utimes(temporary, new Date(), new Date())
    await syncFile(temporary)
    const linked = await linkOrMark(temporary, own)
    await rename(temporary, main)
    await syncDirectory(dirname(main))
    return this.#hold(digest, linked ? own : main, size)
  }

  #hold(digest: Digest, path: string, size: number): Held {
    const held = { path, size }
    this.#held.set(digest, held)
    return held
  }
}

const sha256 = { algorithm: 'sha256' } as const

/** The bytes of a file, which is opened only when they are drawn. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield* createReadStream(path, { highWaterMark: 1024 * 1024 })
}

/** Writes bytes into a new file and hashes them on the way. */
async function writeOut(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Content> {
  const digester = new Digester()
  signal?.throwIfAborted()
  const file = await onDisk(path, () => open(path, 'wx', 0o600))
  try {
    for await (const chunk of bytes) {
      signal?.throwIfAborted()
      digester.update(chunk)
      await onDisk(path, () => writeAll(file, chunk))
    }
  } finally {
    await file.close()
  }
  return { size: digester.size, digest: digester.digest() }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) done += (await file.write(chunk, done)).bytesWritten
}

/**
 * Moves a file into the session; false when it must be copied: it lies on another file system, it
 * has other names or another owner through which it could still change, or it is a link.
 */
async function moveIn(path: string, temporary: string): Promise<boolean> {
  const stat = await lstat(path)
  if (!stat.isFile() || stat.nlink > 1 || stat.uid !== process.geteuid?.()) return false
  try {
    await rename(path, temporary)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EXDEV') return false
    throw diskError(error, path)
  }
}

function checkContent(path: string, found: Content, expected: Descriptor): void {
  if (found.size === expected.size && found.digest === expected.digest) return
  throw new OrchError(
    'BLOB_CORRUPT',
    `${path} holds ${found.digest} (${found.size} bytes), not ${expected.digest} (${expected.size} bytes)`,
    { hint: 'Its source is damaged or lies; fetch or build it again.' },
  )
}

/** Links a blob of the store into the session. Returns where to read it; undefined when it is not there. */
async function holdFile(main: string, own: string): Promise<string | undefined> {
  try {
    if (!(await lstat(main)).isFile()) {
      await removeTree(main)
      return undefined
    }
    return (await linkOrMark(main, own)) ? own : main
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw diskError(error, main)
  }
}

/**
 * Gives a file a second name in the session. Where that cannot be (no hard links there, too many of
 * them, another user's file) an empty file marks the blob as held, and false is returned.
 */
async function linkOrMark(path: string, own: string): Promise<boolean> {
  await rm(own, { force: true })
  try {
    await link(path, own)
    return true
  } catch (error) {
    if (!['EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EXDEV'].includes(errnoOf(error) ?? ''))
      throw error
    await writeFile(own, '')
    return false
  }
}
