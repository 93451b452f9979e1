import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, diskError, errnoOf, isDigest } from '@orch/oci'
import { namesIn, removeTree, timeOf } from './files.ts'
import { blobPath, type Folders, recordPath } from './folders.ts'
import { type ActionRecord, recordFromBytes } from './record.ts'

const dayMs = 24 * 60 * 60 * 1000
/** A record that no build asked for in so long is dropped. */
const forgottenMs = 30 * dayMs

/** The keys of every record, in no order. */
export async function listRecords({ actions }: Folders): Promise<Digest[]> {
  const keys: Digest[] = []
  for (const start of await namesIn(actions)) {
    for (const name of await namesIn(join(actions, start))) {
      const key = `sha256:${start}${name.replace(/\.json$/, '')}`
      if (isDigest(key)) keys.push(key)
    }
  }
  return keys
}

/** A record without the use of it; `damaged` when it cannot be read as one, undefined when there is none. */
export async function readRecord(
  folders: Folders,
  key: Digest,
): Promise<ActionRecord | 'damaged' | undefined> {
  return readRecordFile(recordPath(folders, key), key)
}

/** The same of a record that lies elsewhere. */
export async function readRecordFile(
  path: string,
  key: Digest,
): Promise<ActionRecord | 'damaged' | undefined> {
  try {
    return recordFromBytes(await readFile(path), key) ?? 'damaged'
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return undefined
    if (errno === 'EISDIR' || errno === 'EIO' || errno === 'ELOOP') return 'damaged'
    throw diskError(error, path)
  }
}

/** Forgets an action. */
export async function dropRecord(folders: Folders, key: Digest): Promise<void> {
  await removeTree(recordPath(folders, key))
}

/** Drops records that are damaged, that nobody used for a month, or whose blobs are gone. Returns how many. */
export async function tidyRecords(folders: Folders): Promise<number> {
  await writeFile(stampPath(folders), '').catch(() => {}) // without the stamp it is only done again sooner
  let dropped = 0
  for (const key of await listRecords(folders)) {
    if (await isUseful(folders, key)) continue
    await dropRecord(folders, key)
    dropped += 1
  }
  return dropped
}

/** As `tidyRecords`, when that was not done for a day. */
export async function tidyRecordsDaily(folders: Folders): Promise<void> {
  const last = await timeOf(stampPath(folders))
  if (last === undefined || Date.now() - last > dayMs) await tidyRecords(folders)
}

async function isUseful(folders: Folders, key: Digest): Promise<boolean> {
  const record = await readRecord(folders, key)
  const used = await timeOf(recordPath(folders, key))
  if (record === undefined || used === undefined) return true // removed while we looked
  if (record === 'damaged' || Date.now() - used > forgottenMs) return false
  for (const { digest } of record.blobs)
    if ((await timeOf(blobPath(folders, digest))) === undefined) return false
  return true
}

/** Its time says when the records were last tidied. */
function stampPath({ actions }: Folders): string {
  return join(actions, 'tidied')
}
