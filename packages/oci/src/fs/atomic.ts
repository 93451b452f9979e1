import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { diskError, errnoOf } from './disk-error.ts'

/**
 * How the names of half-written files begin. One that a killed process left may be removed by
 * whoever holds the lock of the folder.
 */
export const temporaryPrefix = '.orch-tmp-'

/** A name for a file that is not finished, in the same folder as `path`. */
function temporaryBeside(path: string): string {
  return join(dirname(path), temporaryPrefix + randomBytes(8).toString('hex'))
}

/**
 * Writes a file so that at every instant, power loss included, `path` holds the old content or the
 * new: temporary file, fsync, rename, fsync of the folder. On failure nothing remains.
 * Throws `DISK_FULL` and `DISK_DENIED`.
 * @param options.mode permission bits of the new file; 0644 by default
 * @param options.temporary where it is written first, on the same file system; by default beside `path`
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  options: { mode?: number; temporary?: string } = {},
): Promise<void> {
  const { mode = 0o644, temporary = temporaryBeside(path) } = options
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}) // what went wrong first says more
    throw diskError(error, path)
  }
}

/** Makes the names in a folder durable. Does nothing where the file system cannot sync a folder. */
export async function syncDirectory(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOTSUP') throw diskError(error, path)
  } finally {
    await folder.close()
  }
}
