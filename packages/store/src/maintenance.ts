import { digestParts } from '@orch/oci'
import { type CacheEntry, type Evicted, evict, listBlobs } from './evict.ts'
import { contentOf, removeTree, timeOf } from './files.ts'
import { blobPath, foldersOf, storeRoot } from './folders.ts'
import { type Kept, listKept, tidyKept } from './kept.ts'
import { storeLimit } from './limit.ts'
import { dropRecord, listRecords, readRecord, tidyRecords } from './records.ts'
import { liveSessions, sweepSessions } from './session.ts'

/** What a store holds. */
export interface CacheUsage {
  readonly root: string
  readonly blobs: number
  readonly bytes: number
  readonly actions: number
  /** Processes that use it now. */
  readonly sessions: number
  /** The blobs, last used first. */
  readonly entries: readonly CacheEntry[]
  /** What the size limit spares, by name. */
  readonly kept: readonly Kept[]
}

/** What a look at every byte of a store found. */
export interface CacheCheck {
  readonly root: string
  /** Blobs and records that were read. */
  readonly checked: number
  /** What was damaged and has been dropped: `blob sha256:…`, `action sha256:…` or `kept sha256:…`. */
  readonly corrupt: readonly string[]
  /** Sessions of processes that died, removed with what they left. */
  readonly staleSessions: number
}

/** Counts what a store holds, and changes nothing. A store that does not exist yet is empty. */
export async function cacheUsage(root: string = storeRoot()): Promise<CacheUsage> {
  const folders = foldersOf(root)
  const entries = await listBlobs(folders)
  entries.sort((a, b) => b.lastUsed - a.lastUsed)
  return {
    root,
    blobs: entries.length,
    bytes: entries.reduce((sum, { size }) => sum + size, 0),
    actions: (await listRecords(folders)).length,
    sessions: (await liveSessions(folders)).length,
    entries,
    kept: await listKept(folders),
  }
}

/**
 * Hashes every blob, reads every record, and drops what is damaged. Safe while builds run.
 * Throws `DISK_DENIED` when something may not be read or dropped, and the signal's reason.
 */
export async function verifyCache(
  root: string = storeRoot(),
  options: { signal?: AbortSignal | undefined } = {},
): Promise<CacheCheck> {
  const folders = foldersOf(root)
  const staleSessions = await sweepSessions(folders)
  const corrupt: string[] = []
  let checked = 0
  for (const { digest } of await listBlobs(folders)) {
    const path = blobPath(folders, digest)
    const found = await contentOf(path, digestParts(digest).algorithm, options.signal)
    if (found === undefined && (await timeOf(path)) === undefined) continue // evicted while we looked
    checked += 1
    if (found?.digest === digest) continue
    corrupt.push(`blob ${digest}`)
    await removeTree(path)
  }
  for (const key of await listRecords(folders)) {
    options.signal?.throwIfAborted()
    checked += 1
    if ((await readRecord(folders, key)) !== 'damaged') continue
    corrupt.push(`action ${key}`)
    await dropRecord(folders, key)
  }
  corrupt.push(...(await tidyKept(folders)).map(key => `kept ${key}`))
  return { root, checked, corrupt, staleSessions }
}

/**
 * Makes the store smaller: down to `limit` bytes (by default the limit of every build) without what is
 * kept, or as empty as running builds allow with `all`. Safe while builds run. Throws
 * `CACHE_LIMIT_INVALID`, `DISK_DENIED`.
 */
export async function pruneCache(
  root: string = storeRoot(),
  options: { limit?: number; all?: boolean } = {},
): Promise<Evicted> {
  const { all = false } = options
  const folders = foldersOf(root)
  const limit = all ? -1 : storeLimit(options.limit) // below zero, so that empty blobs go too
  await sweepSessions(folders)
  await tidyKept(folders, all)
  const evicted = await evict(folders, limit)
  if (all) for (const key of await listRecords(folders)) await dropRecord(folders, key)
  else await tidyRecords(folders)
  return evicted
}
