import { mkdir, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OrchError } from '../errors.ts'
import { diskError, errnoOf } from './disk-error.ts'

/**
 * Makes a folder and those above it. Throws `DISK_FULL`, `DISK_DENIED` and `PATH_TAKEN`.
 * @returns what takes them away again: only those that had to be made, and only while they are empty,
 * since others may have put something there meanwhile
 */
export async function makeFolder(path: string): Promise<() => Promise<void>> {
  let top: string | undefined
  try {
    top = await mkdir(path, { recursive: true })
  } catch (error) {
    throw inTheWay(error, path)
  }
  return async () => {
    if (top === undefined) return
    for (let folder = path; folder.startsWith(top); folder = dirname(folder)) {
      if (!(await removeEmpty(folder))) return
    }
  }
}

/** Removes a folder unless something is in it. Returns whether it is gone. */
export function removeEmpty(folder: string): Promise<boolean> {
  return rmdir(folder).then(
    () => true,
    () => false,
  )
}

/** `PATH_TAKEN` when something of another kind stands where a file or folder shall be; else as `diskError`. */
export function inTheWay(error: unknown, path: string): unknown {
  const errno = errnoOf(error)
  if (errno !== 'EEXIST' && errno !== 'ENOTDIR' && errno !== 'EISDIR') return diskError(error, path)
  return new OrchError('PATH_TAKEN', `${path} cannot be made: something else stands in its way`, {
    hint: 'Choose another path, or move away what is there.',
    cause: error,
  })
}
