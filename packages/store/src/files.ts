import { constants } from 'node:fs'
import { chmod, lstat, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, type DigestAlgorithm, Digester, diskError, errnoOf } from '@orch/oci'

const readSize = 1024 * 1024

/** What a file holds. */
export interface Content {
  readonly digest: Digest
  readonly size: number
}

/**
 * Hashes a regular file in constant memory; undefined when there is none (a link is none), or when
 * the disk cannot read it any more.
 */
export async function contentOf(
  path: string,
  algorithm: DigestAlgorithm,
  signal?: AbortSignal,
): Promise<Content | undefined> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const file = await open(path, flags)
    try {
      const stat = await file.stat()
      if (!stat.isFile()) return undefined
      const digester = new Digester(algorithm)
      const buffer = Buffer.allocUnsafe(Math.min(stat.size + 1, readSize))
      for (;;) {
        signal?.throwIfAborted()
        const { bytesRead } = await file.read(buffer, 0, buffer.byteLength)
        if (bytesRead === 0) break
        digester.update(buffer.subarray(0, bytesRead))
      }
      return { size: digester.size, digest: digester.digest() }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EIO'].includes(errnoOf(error) ?? '')) return undefined
    throw diskError(error, path)
  }
}

/** Makes the bytes of a file durable. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** The names in a folder; none when there is no such folder. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw diskError(error, path)
  }
}

/** Whether two paths are names of one file. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([lstat(a, { bigint: true }), lstat(b, { bigint: true })])
    return one.ino === other.ino && one.dev === other.dev
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw diskError(error, a)
  }
}

/** Removes a file or a folder with all that is in it, folders that forbid writing (Go's module cache) included. */
export async function removeTree(path: string): Promise<void> {
  // A process that is just being interrupted may still write into the folder: hence the retries.
  const options = { recursive: true, force: true, maxRetries: 3, retryDelay: 50 }
  try {
    await rm(path, options)
  } catch (error) {
    if (errnoOf(error) !== 'EACCES' && errnoOf(error) !== 'EPERM') throw diskError(error, path)
    await allowRemoval(path)
    await rm(path, options).catch(again => {
      throw diskError(again, path)
    })
  }
}

async function allowRemoval(path: string): Promise<void> {
  await chmod(path, 0o700)
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await allowRemoval(join(path, entry.name))
}

/** When a file was last written or used, in milliseconds since 1970; undefined when there is none. */
export async function timeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).mtimeMs
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw diskError(error, path)
  }
}

/** Does something with the store's own files; `path` is what an error names. Throws as `diskError` says. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw diskError(error, path)
  }
}
