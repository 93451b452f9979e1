import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isAlive, ownerFromName, ownerToName, thisProcess } from './owner.ts'

/**
 * A name beside `path` for the file that shall take its place. It says whose it is; what processes
 * that were killed have left under such names is removed first.
 */
export async function temporaryFor(path: string): Promise<string> {
  const folder = dirname(path)
  const prefix = `.${basename(path)}.orch-`
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue
    const owner = ownerFromName(name.slice(prefix.length))
    // No sign of life is given on the file, so that of another host is left alone.
    if (owner !== undefined && !isAlive(owner)) await rm(join(folder, name), { force: true })
  }
  return join(folder, `${prefix}${ownerToName(thisProcess())}+${randomBytes(6).toString('hex')}`)
}
