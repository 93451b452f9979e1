import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rename, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  type Digest,
  diskError,
  errnoOf,
  isAlive,
  OrchError,
  ownerFromName,
  ownerToName,
  thisProcess,
} from '@orch/oci'
import { namesIn, onDisk, removeTree, timeOf } from './files.ts'
import { digestOfHeld, type Folders } from './folders.ts'

const heartbeatMs = 60_000
const endedSuffix = '.ended'

/**
 * The folder of one running process: what it holds, and whatever it has not finished. Its name says
 * whose it is, so that there is no instant at which that cannot be told; its time is the heartbeat.
 */
export interface Session {
  readonly id: string
  /** Hard links to the blobs that this session uses. */
  readonly held: string
  /** A name in the session for a file that is not finished. */
  temporary(): string
  /** A new empty folder in the session. */
  scratch(name: string): Promise<string>
  /** Removes the folder and everything in it. */
  end(): Promise<void>
}

export async function beginSession({ sessions }: Folders): Promise<Session> {
  const id = `${ownerToName(thisProcess())}+${randomBytes(8).toString('hex')}`
  const folder = join(sessions, id)
  const held = join(folder, 'held')
  const tmp = join(folder, 'tmp')
  await mkdir(folder, { mode: 0o700 })
  try {
    await mkdir(held)
    await mkdir(tmp)
  } catch (error) {
    await removeTree(folder)
    throw error
  }
  // When the session was swept away there is nothing to touch, and the next use of it says so.
  const beat = setInterval(
    () => utimes(folder, new Date(), new Date()).catch(() => {}),
    heartbeatMs,
  )
  beat.unref()
  return {
    id,
    held,
    temporary: () => join(tmp, randomBytes(8).toString('hex')),
    scratch(name) {
      const safe = name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 60)
      return onDisk(tmp, () => mkdtemp(join(tmp, `${safe}-`)))
    },
    async end() {
      clearInterval(beat)
      await removeSession(folder)
    },
  }
}

/** Removes the sessions of processes that died, and with them all they left half-done. Returns how many. */
export async function sweepSessions({ sessions }: Folders): Promise<number> {
  let swept = 0
  for (const id of await namesIn(sessions)) {
    try {
      if (await isLive(join(sessions, id))) continue
      await removeSession(join(sessions, id))
      swept += 1
    } catch {
      // Another user's, or another process sweeps it too. It does no harm, and the next one tries again.
    }
  }
  return swept
}

/** Gives it a name that says that it has ended, in case this process dies before all of it is removed. */
async function removeSession(folder: string): Promise<void> {
  const gone = folder.endsWith(endedSuffix) ? folder : folder + endedSuffix
  if (gone !== folder) {
    try {
      await rename(folder, gone)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return // another process removes it
      throw diskError(error, folder)
    }
  }
  await removeTree(gone)
}

/** The ids of the sessions whose processes run. */
export async function liveSessions({ sessions }: Folders): Promise<string[]> {
  const live: string[] = []
  for (const id of await namesIn(sessions)) if (await isLive(join(sessions, id))) live.push(id)
  return live
}

/** The blobs that running sessions hold, without those of the session `except`. */
export async function heldBlobs(folders: Folders, except?: string): Promise<Set<Digest>> {
  const held = new Set<Digest>()
  for (const id of await liveSessions(folders)) {
    if (id === except) continue
    for (const name of await heldNames(join(folders.sessions, id))) {
      const digest = digestOfHeld(name)
      if (digest !== undefined) held.add(digest)
    }
  }
  return held
}

/** The names of what a session holds. Another user's cannot be read: its links keep the bytes for it. */
async function heldNames(folder: string): Promise<string[]> {
  try {
    return await namesIn(join(folder, 'held'))
  } catch (error) {
    if (error instanceof OrchError && error.code === 'DISK_DENIED') return []
    throw error
  }
}

async function isLive(folder: string): Promise<boolean> {
  const name = basename(folder)
  const owner = name.endsWith(endedSuffix) ? undefined : ownerFromName(name)
  return owner !== undefined && isAlive(owner, (await timeOf(folder)) ?? 0)
}
