import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import {
  type Digest,
  digestParts,
  diskError,
  isDigest,
  messageOf,
  OrchError,
  parseDigest,
} from '@orch/oci'

/** The folders of a store. The version in the path lets a later orch lay it out anew beside this one. */
export interface Folders {
  readonly root: string
  readonly blobs: string
  readonly actions: string
  readonly kept: string
  readonly sessions: string
}

const hint = 'Set ORCH_CACHE_DIR to a folder that you may write to.'

/**
 * The store's root folder: `$ORCH_CACHE_DIR`, else `$XDG_CACHE_HOME/orch`, else `~/.cache/orch`.
 * A relative XDG_CACHE_HOME is ignored (XDG base directory specification). Throws `CACHE_UNUSABLE`
 * when there is no home folder either.
 */
export function storeRoot(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const { ORCH_CACHE_DIR: own, XDG_CACHE_HOME: xdg } = env
  if (own !== undefined && own !== '') return resolve(own)
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'orch')
  try {
    return join(env['HOME'] || homedir(), '.cache', 'orch')
  } catch (cause) {
    throw new OrchError('CACHE_UNUSABLE', 'there is no home folder to keep the cache in', {
      hint,
      cause,
    })
  }
}

export function foldersOf(root: string): Folders {
  const version = join(root, 'v1')
  return {
    root,
    blobs: join(version, 'blobs'),
    actions: join(version, 'actions'),
    kept: join(version, 'kept'),
    sessions: join(version, 'sessions'),
  }
}

/** Makes what is missing of a store's folders, for this user alone. Throws `CACHE_UNUSABLE`, `DISK_FULL`. */
export async function makeFolders(folders: Folders): Promise<void> {
  await usable(folders, async () => {
    for (const algorithm of ['sha256', 'sha512'])
      await mkdir(join(folders.blobs, algorithm), { recursive: true, mode: 0o700 })
    await mkdir(folders.actions, { recursive: true, mode: 0o700 })
    await mkdir(folders.sessions, { recursive: true, mode: 0o700 })
  })
}

/** Does the first work in a store, where every refusal means that the place cannot be used. */
export async function usable<T>(folders: Folders, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const cause = diskError(error, folders.root)
    if (cause instanceof OrchError && cause.code === 'DISK_FULL') throw cause
    throw new OrchError(
      'CACHE_UNUSABLE',
      `the cache folder ${folders.root} cannot be used: ${messageOf(cause)}`,
      { hint, cause },
    )
  }
}

export function blobPath({ blobs }: Folders, digest: Digest): string {
  // Plugins hand in digests too, and what a cast let through must not become a path.
  const { algorithm, hex } = digestParts(parseDigest(digest))
  return join(blobs, algorithm, hex)
}

export function recordPath({ actions }: Folders, key: Digest): string {
  const { hex } = digestParts(key)
  return join(actions, hex.slice(0, 2), `${hex.slice(2)}.json`)
}

/** The name of a blob in a session's folder of held blobs. */
export function heldName(digest: Digest): string {
  return digest.replace(':', '-')
}

/** The digest that such a name stands for; undefined for any other file. */
export function digestOfHeld(name: string): Digest | undefined {
  const digest = name.replace('-', ':')
  return isDigest(digest) ? digest : undefined
}
