import { mkdir, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { diskError } from './disk-error.ts'

/**
 * Makes a folder and those above it. Throws `DISK_FULL` and `DISK_DENIED`.
 * @returns what takes them away again: only those that had to be made, and only while they are empty,
 * since others may have put something there meanwhile
 */
export async function makeFolder(path: string): Promise<() => Promise<void>> {
  let top: string | undefined
  try {
    top = await mkdir(path, { recursive: true })
  } catch (error) {
    throw diskError(error, path)
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
