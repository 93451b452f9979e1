import { stat } from 'node:fs/promises'

/** By how much the time of a file may lag behind the clock. */
const tickMilliseconds = 20

/**
 * Whether one of the folders gained, lost or renamed an entry since a time: a list of its files that
 * was read then may no longer hold.
 * @param since milliseconds since 1970
 */
export async function foldersChanged(folders: readonly string[], since: number): Promise<boolean> {
  const changed = await Promise.all(
    folders.map(async folder => {
      const found = await stat(folder).catch(() => undefined)
      return found === undefined || found.mtimeMs >= since - tickMilliseconds
    }),
  )
  return changed.includes(true)
}
