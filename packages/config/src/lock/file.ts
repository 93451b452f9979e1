import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  type Digest,
  errnoOf,
  isDigest,
  isObject,
  type Json,
  messageOf,
  OrchError,
  parseJson,
  sortedRecord,
  UsageError,
  writeFileAtomic,
} from '@orch/oci'
import { projectFileNames } from '../find.ts'

/** The digests to which bases are held, by base as the project file names it. */
export type Locks = Readonly<Record<string, Digest>>

const version = 1
const maxBytes = 16 * 1024 * 1024

/** `orch.lock` beside the project file; a project file of another name has a lock file of its own. */
export function lockFileOf(projectFile: string): string {
  const name = basename(projectFile)
  const own = projectFileNames.includes(name) ? 'orch' : name
  return join(dirname(projectFile), `${own}.lock`)
}

/** Reads a lock file; undefined when there is none. Throws `LOCK_INVALID`. */
export async function readLocks(file: string): Promise<Locks | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined
    throw invalid(file, `cannot be read: ${messageOf(cause)}`, cause)
  }
  let value: Json
  try {
    value = parseJson(bytes, basename(file), maxBytes)
  } catch (cause) {
    if (!(cause instanceof OrchError)) throw cause
    throw invalid(file, `is not what orch lock writes: ${cause.message}`, cause)
  }
  if (!isObject(value) || value['version'] !== version)
    throw invalid(file, `is not of version ${version}, the only one that this orch reads`)
  const { bases } = value
  if (!isObject(bases)) throw invalid(file, 'has no map `bases`')
  return Object.fromEntries(
    Object.entries(bases).map(([base, entry]) => {
      const digest = isObject(entry) ? entry['digest'] : undefined
      if (typeof digest === 'string' && isDigest(digest)) return [base, digest]
      throw invalid(file, `says no digest of ${JSON.stringify(base)}`)
    }),
  )
}

/** Writes a lock file, whole or not at all, sorted. Throws `DISK_FULL`, `DISK_DENIED`. */
export async function writeLocks(file: string, locks: Locks): Promise<void> {
  const bases = Object.fromEntries(
    Object.entries(sortedRecord(locks)).map(([base, digest]) => [base, { digest }]),
  )
  await writeFileAtomic(file, `${JSON.stringify({ version, bases }, null, 2)}\n`)
}

function invalid(file: string, why: string, cause?: unknown): UsageError {
  return new UsageError('LOCK_INVALID', `${file} ${why}`, {
    hint: 'Restore it from version control, or remove it and write it anew with: orch lock',
    cause,
  })
}
