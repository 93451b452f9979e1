import { lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { type Entry, fileBlob, messageOf, OrchError, UsageError } from '@orch/oci'
import { isInside } from './inside.ts'

/** How the entries of an item differ from what is on disk. */
export interface EntryChanges {
  /** Of files; directories that come along with a folder keep 0755. */
  readonly mode?: number
  readonly uid: number
  readonly gid: number
}

/** A file as an entry. Its mode says only whether it is executable, so that the umask of a checkout changes nothing. */
export async function readFile(
  source: string,
  path: string,
  changes: EntryChanges,
  what: string,
  signal: AbortSignal,
): Promise<Entry> {
  const stat = await reading(what, lstat(source))
  if (!stat.isFile()) special(source, what)
  const mode = (stat.mode & 0o111) === 0 ? 0o644 : 0o755
  const content = await reading(what, fileBlob(source, signal))
  return { type: 'file', path, content, mode, ...changes }
}

/** A folder and everything in it. `path` is where it comes to stand; empty for the root of the image. */
export async function readFolder(
  source: string,
  path: string,
  changes: EntryChanges,
  what: string,
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const { uid, gid } = changes
  const entries: Entry[] = []
  const visit = async (folder: string, at: string): Promise<void> => {
    signal.throwIfAborted()
    if (at !== '') entries.push({ type: 'directory', path: at, uid, gid })
    const items = await reading(what, readdir(folder, { withFileTypes: true, encoding: 'buffer' }))
    for (const item of items) {
      const name = utf8(item.name, `${what}: the folder ${folder} holds`)
      const from = join(folder, name)
      const to = at === '' ? name : `${at}/${name}`
      if (item.isDirectory()) await visit(from, to)
      else if (item.isFile()) entries.push(await readFile(from, to, changes, what, signal))
      else if (!item.isSymbolicLink()) special(from, what)
      else {
        const target = await linkTarget(source, from, what)
        entries.push({ type: 'symlink', path: to, target, uid, gid })
      }
    }
  }
  await visit(source, path)
  return entries
}

/** What a symlink says, if it stays within `folder` both as written and as the file system follows it. */
async function linkTarget(folder: string, link: string, what: string): Promise<string> {
  const target = utf8(await reading(what, readlink(link, 'buffer')), `${what}: ${link} links to`)
  const real = await reading(what, realTarget(link))
  const stays =
    !isAbsolute(target) &&
    isInside(folder, resolve(dirname(link), target)) &&
    (real === undefined || isInside(folder, real))
  if (stays) return target
  throw new UsageError('FILES_LINK_ESCAPES', `${what}: ${link} links to ${target}, outside it`, {
    hint: 'Leave the link out and write {link: target, to: path}, or copy the file itself.',
  })
}

/** Where a link leads; undefined when nothing is there, so that only its text can be judged. */
async function realTarget(link: string): Promise<string | undefined> {
  try {
    return await realpath(link)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined
    throw cause
  }
}

/**
 * A name as text. Linux takes any bytes for one, but an image's layer holds UTF-8: what is none would
 * come out under another name.
 */
function utf8(name: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name)
  } catch (cause) {
    const escaped = [...name].map(byte =>
      byte < 0x20 || byte > 0x7e
        ? `\\x${byte.toString(16).padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    throw new UsageError(
      'FILES_NAME_INVALID',
      `${where} a name that is not UTF-8: ${escaped.join('')}`,
      { hint: 'Rename it, or leave it out of the folder.', cause },
    )
  }
}

function special(path: string, what: string): never {
  throw new UsageError('FILES_SPECIAL', `${what}: ${path} is a socket, pipe or device`, {
    hint: 'Only files, folders and symlinks can be copied.',
  })
}

/** Waits for the file system, and says of its errors which item they concern. */
export async function reading<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (cause instanceof OrchError || code === undefined || code === 'ABORT_ERR') throw cause
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new UsageError('FILES_MISSING', `${what} does not exist`, {
        hint: 'from is relative to the project folder.',
        cause,
      })
    }
    throw new OrchError('FILES_UNREADABLE', `${what} cannot be read: ${messageOf(cause)}`, {
      hint: 'Check its permissions.',
      cause,
    })
  }
}
