import { resolve } from 'node:path'
import { errnoOf, OrchError } from '@orch/oci'
import { Actions } from './actions.ts'
import { Blobs } from './blobs.ts'
import { evict } from './evict.ts'
import { timeOf } from './files.ts'
import { type Folders, foldersOf, makeFolders, storeRoot, usable } from './folders.ts'
import { keep, recallKept, tidyKept } from './kept.ts'
import { storeLimit } from './limit.ts'
import { tidyRecords, tidyRecordsDaily } from './records.ts'
import { beginSession, type Session, sweepSessions } from './session.ts'
import type { Store, StoreOptions } from './types.ts'

/**
 * Opens the store for this process, and removes what processes that died have left in it.
 * Throws `CACHE_UNUSABLE` when the folder cannot be written, `CACHE_LIMIT_INVALID`, `DISK_FULL`.
 */
export async function openStore(options: StoreOptions = {}): Promise<Store> {
  const limit = storeLimit(options.limit)
  const folders = foldersOf(options.root === undefined ? storeRoot() : resolve(options.root))
  await makeFolders(folders)
  const session = await usable(folders, async () => {
    await sweepSessions(folders)
    return beginSession(folders)
  })
  return storeOf(folders, session, limit)
}

function storeOf(folders: Folders, session: Session, limit: number): Store {
  const blobs = new Blobs(folders, session)
  const actions = new Actions(folders, session, blobs)
  let closing: Promise<void> | undefined
  /** What fails because the session ended under it says so, not which file it missed. */
  const open = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw closed(folders)
    try {
      return await work()
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      if (closing !== undefined) throw closed(folders, error)
      throw (await timeOf(session.held)) === undefined ? removed(folders, error) : error
    }
  }
  return {
    root: folders.root,
    add: (bytes, mediaType, more) => open(() => blobs.add(bytes, mediaType, more)),
    addFile: (path, mediaType, more) => open(() => blobs.addFile(path, mediaType, more)),
    get: descriptor => open(() => blobs.get(descriptor)),
    action: (action, run) => open(() => actions.outcome(action, run)),
    keep: (name, result) => open(() => keep(name, result, { folders, session, blobs })),
    kept: name => open(() => recallKept(folders, name)),
    scratch: name => open(() => session.scratch(name)),
    close() {
      closing ??= end(folders, session, limit)
      return closing
    },
  }
}

async function end(folders: Folders, session: Session, limit: number): Promise<void> {
  try {
    await tidyKept(folders)
    const { removed } = await evict(folders, limit, session.id)
    await (removed === 0 ? tidyRecordsDaily(folders) : tidyRecords(folders))
  } finally {
    await session.end()
  }
}

function closed({ root }: Folders, cause?: unknown): OrchError {
  return new OrchError('STORE_CLOSED', `the cache ${root} was closed while it was in use`, {
    cause,
  })
}

function removed({ root }: Folders, cause: unknown): OrchError {
  return new OrchError('CACHE_UNUSABLE', `the cache ${root} was removed while it was in use`, {
    hint: 'Run the command again, and use `orch cache prune` to make room while builds run.',
    cause,
  })
}
