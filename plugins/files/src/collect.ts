import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { cleanPath, type Entry, UsageError } from '@orch/oci'
import { isInside } from './inside.ts'
import type { FilesItem } from './options.ts'
import { type EntryChanges, readFile, readFolder, reading } from './read.ts'

/** What collecting needs of a build. */
export interface CollectContext {
  /** The project folder. */
  readonly root: string
  readonly signal: AbortSignal
  /** With `files-outside`, `from` may lie outside the project folder. */
  readonly allow: ReadonlySet<string>
}

/**
 * The entries of one item, their contents hashed. Throws a `UsageError`: `FILES_MISSING`,
 * `FILES_OUTSIDE`, `FILES_LINK_ESCAPES`, `FILES_NAME_INVALID`, `FILES_SPECIAL`, `FILES_DESTINATION`,
 * `FILES_UNREADABLE`.
 * @param what names the item in messages
 */
export async function itemEntries(
  item: FilesItem,
  what: string,
  context: CollectContext,
): Promise<readonly Entry[]> {
  const { to, from, link } = item
  const changes = changesOf(item)
  if (link !== undefined) return [{ type: 'symlink', path: imagePath(to, what), target: link }]
  if (from === undefined) return [{ type: 'directory', path: imagePath(to, what), ...changes }]
  const named = `${what} (from ${from})`
  const source = await sourcePath(from, named, context)
  const isFolder = (await reading(named, stat(source))).isDirectory()
  if (isFolder) {
    const path = /^[/.]*$/.test(to) ? '' : imagePath(to, what)
    return readFolder(source, path, changes, named, context.signal)
  }
  if (to.endsWith('/')) {
    throw new UsageError('FILES_DESTINATION', `${named}: to is ${to}, but from is a file`, {
      hint: 'Write the whole path of the file in the image.',
    })
  }
  return [await readFile(source, imagePath(to, what), changes, named, context.signal)]
}

function changesOf({ mode, owner = '0:0' }: FilesItem): EntryChanges {
  const [uid = 0, gid = 0] = owner.split(':').map(Number)
  return { uid, gid, ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }) }
}

function imagePath(to: string, what: string): string {
  if (/^[/.]*$/.test(to)) {
    throw new UsageError('FILES_DESTINATION', `${what}: to is ${to}, the root of the image`, {
      hint: 'Write a path below the root; only a folder may be copied to / itself.',
    })
  }
  return cleanPath(to)
}

/** Where the source really lies, symlinks resolved, so that none leads out of the project unseen. */
async function sourcePath(from: string, what: string, context: CollectContext): Promise<string> {
  const { root, allow } = context
  const path = resolve(root, from)
  // Outside, not even whether the file exists is said.
  if (!allow.has('files-outside') && !isInside(resolve(root), path)) refuseOutside(what)
  const [real, realRoot] = await reading(what, Promise.all([realpath(path), realpath(root)]))
  if (!allow.has('files-outside') && !isInside(realRoot, real)) refuseOutside(what)
  return real
}

function refuseOutside(what: string): never {
  throw new UsageError('FILES_OUTSIDE', `${what} lies outside the project folder`, {
    hint: 'Move it into the project, or allow it with --allow=files-outside.',
  })
}
