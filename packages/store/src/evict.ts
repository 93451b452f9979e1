import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, diskError, errnoOf, isDigest } from '@orch/oci'
import { namesIn, removeTree } from './files.ts'
import { blobPath, type Folders } from './folders.ts'
import { keptBlobs } from './kept.ts'
import { heldBlobs, sweepSessions } from './session.ts'

/** A blob of the store. */
export interface CacheEntry {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly lastUsed: number
}

/** What was removed to make room. */
export interface Evicted {
  readonly removed: number
  readonly freedBytes: number
}

const batch = 64

/** Every blob, in no order. */
export async function listBlobs(folders: Folders): Promise<CacheEntry[]> {
  const digests: Digest[] = []
  for (const algorithm of ['sha256', 'sha512']) {
    for (const hex of await namesIn(join(folders.blobs, algorithm))) {
      const digest = `${algorithm}:${hex}`
      if (isDigest(digest)) digests.push(digest)
    }
  }
  const entries: CacheEntry[] = []
  for (let at = 0; at < digests.length; at += batch) {
    const found = digests.slice(at, at + batch).map(digest => entryOf(folders, digest))
    for (const entry of await Promise.all(found)) if (entry !== undefined) entries.push(entry)
  }
  return entries
}

async function entryOf(folders: Folders, digest: Digest): Promise<CacheEntry | undefined> {
  const path = blobPath(folders, digest)
  try {
    const { size, mtimeMs } = await lstat(path)
    return { digest, size, lastUsed: mtimeMs }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined // removed while we looked
    throw diskError(error, path)
  }
}

/**
 * Removes least recently used blobs until no more than `limit` bytes are left. A blob that a running
 * session holds stays, unless only the session `except` holds it, and so does what is kept (`Store.keep`).
 */
export async function evict(folders: Folders, limit: number, except?: string): Promise<Evicted> {
  const entries = await listBlobs(folders)
  let bytes = entries.reduce((sum, { size }) => sum + size, 0)
  let removed = 0
  let freedBytes = 0
  if (bytes <= limit) return { removed, freedBytes }
  await sweepSessions(folders)
  entries.sort((a, b) => a.lastUsed - b.lastUsed)
  const held = await heldBlobs(folders, except)
  const kept = await keptBlobs(folders)
  for (const { digest, size } of entries) {
    if (bytes <= limit) break
    if (held.has(digest) || kept.has(digest)) continue
    await removeTree(blobPath(folders, digest))
    bytes -= size
    freedBytes += size
    removed += 1
  }
  return { removed, freedBytes }
}
