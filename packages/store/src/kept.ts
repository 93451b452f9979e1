import { mkdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import {
  canonicalJson,
  type Digest,
  digestOf,
  digestParts,
  isDigest,
  type Json,
  OrchError,
  writeFileAtomic,
} from '@orch/oci'
import type { Blobs } from './blobs.ts'
import { namesIn, onDisk, removeTree, timeOf } from './files.ts'
import type { Folders } from './folders.ts'
import { recordToBytes } from './record.ts'
import { readRecordFile } from './records.ts'
import type { Session } from './session.ts'
import type { ActionResult } from './types.ts'

/** For so long after it was last asked for, what is kept withstands the size limit. */
const keptMs = 30 * 24 * 60 * 60 * 1000

/** Something that is kept, and when it was last asked for, in milliseconds since 1970. */
export interface Kept {
  readonly name: string
  readonly blobs: ActionResult['blobs']
  readonly data: Json
  readonly lastUsed: number
}

/** See `Store.keep`: a record in a file of its own, written whole. Throws `ACTION_INCOMPLETE`. */
export async function keep(
  name: string,
  { blobs: descriptors, data }: ActionResult,
  { folders, session, blobs }: { folders: Folders; session: Session; blobs: Blobs },
): Promise<void> {
  for (const descriptor of descriptors) {
    if ((await blobs.get(descriptor)) !== undefined) continue
    const why = `${name} is to keep ${descriptor.digest}, which was not added to the store`
    throw new OrchError('ACTION_INCOMPLETE', why, {
      hint: 'This is a mistake in the plugin that ran it.',
    })
  }
  const key = keyOf(name)
  const bytes = recordToBytes({ key, kind: name, blobs: descriptors, data })
  await onDisk(folders.kept, () => mkdir(folders.kept, { recursive: true, mode: 0o700 }))
  await writeFileAtomic(pathOf(folders, key), bytes, { temporary: session.temporary() })
}

/** See `Store.kept`. */
export async function recallKept(folders: Folders, name: string): Promise<Json | undefined> {
  const key = keyOf(name)
  const record = await readRecordFile(pathOf(folders, key), key)
  if (record === undefined || record === 'damaged') return undefined
  // Another user's time cannot be set: it only ages.
  await utimes(pathOf(folders, key), new Date(), new Date()).catch(() => {})
  return record.data
}

/** Everything that is kept, by name. What is damaged or nobody asked for in so long is not. */
export async function listKept(folders: Folders): Promise<readonly Kept[]> {
  const found: Kept[] = []
  for (const key of await keptKeys(folders)) {
    const record = await readRecordFile(pathOf(folders, key), key)
    const lastUsed = await timeOf(pathOf(folders, key))
    if (record === undefined || record === 'damaged' || lastUsed === undefined) continue
    if (Date.now() - lastUsed > keptMs) continue
    found.push({ name: record.kind, blobs: record.blobs, data: record.data, lastUsed })
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The blobs that the size limit spares. */
export async function keptBlobs(folders: Folders): Promise<ReadonlySet<Digest>> {
  const kept = await listKept(folders)
  return new Set(kept.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)))
}

/** Drops the records of what is kept that are damaged or whose time is over; with `all`, every one. */
export async function tidyKept(folders: Folders, all = false): Promise<readonly Digest[]> {
  const damaged: Digest[] = []
  for (const key of await keptKeys(folders)) {
    const used = (await timeOf(pathOf(folders, key))) ?? 0
    const broken = (await readRecordFile(pathOf(folders, key), key)) === 'damaged'
    if (broken) damaged.push(key)
    if (all || broken || Date.now() - used > keptMs) await removeTree(pathOf(folders, key))
  }
  return damaged
}

async function keptKeys({ kept }: Folders): Promise<Digest[]> {
  const keys = (await namesIn(kept)).map(name => `sha256:${name.replace(/\.json$/, '')}`)
  return keys.filter(isDigest)
}

function keyOf(name: string): Digest {
  return digestOf(canonicalJson({ kept: name }))
}

function pathOf({ kept }: Folders, key: Digest): string {
  return join(kept, `${digestParts(key).hex}.json`)
}
