import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { UsageError } from '@orch/oci'
import type { Flag } from '../settings/flags.ts'
import { type Allowed, refuseFlag } from './refuse.ts'

/**
 * Refuses a profile (-pgo) outside of the module's folder, links resolved, unless the operator allowed
 * -pgo: `GO_FLAG_REFUSED`. Throws `GO_FLAG_INVALID` for a pipe or device, for which Go would wait.
 * A profile that is not there is left to the go command, which says so.
 * @param dir the folder in which the go command runs: absolute
 */
export async function checkProfiles(
  flags: readonly Flag[],
  dir: string,
  where: string,
  allowed: Allowed,
): Promise<void> {
  for (const { name, value = '' } of flags) {
    if (name !== 'pgo' || value === 'auto' || value === 'off') continue
    const path = resolve(dir, value)
    if (isAbsolute(value) || !isWithin(dir, path)) refuseFlag(where, '-pgo', allowed)
    const real = await orMissing(realpath(path))
    if (real !== undefined && !isWithin(await realpath(dir), real)) {
      refuseFlag(where, '-pgo', allowed)
    }
    const found = await orMissing(stat(path))
    if (found === undefined || found.isFile()) continue
    throw new UsageError('GO_FLAG_INVALID', `${where}: -pgo=${value} is not a regular file`)
  }
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

function orMissing<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
}
