import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, lutimes, open, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { encodeJson, isObject, type Json, parseJson } from '../json.ts'
import { diskError, errnoOf } from './disk-error.ts'
import { isAlive, isNear, type Owner, ownerFromJson, thisProcess } from './owner.ts'
import { Turns } from './turns.ts'

const heartbeatMs = 10_000
/** A holder of another boot, container or host that gives no sign for so long, while we watch, is gone. */
const watchMs = 120_000
/** A lock whose content cannot be read belongs to a process that died while it wrote it. */
const unreadableMs = 60_000
/** More than any lock of ours holds. */
const maxContent = 4096

/**
 * Does `work` while holding an exclusive lock among all processes, and waits for it as long as its
 * holder lives. The lock is a symbolic link whose target is its content, so that it appears whole or
 * not at all; where there are no symbolic links it is a file. A lock whose holder died is broken.
 * Not reentrant. Throws the signal's reason, `DISK_FULL` and `DISK_DENIED`.
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return turns.take(path, () => lockedWork(path, signal, work), signal)
}

/** Within this process nobody needs to poll. */
const turns = new Turns<string>()

async function lockedWork<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const id = await acquire(path, signal)
  // When the lock was taken away there is nothing to touch, and `release` finds that out.
  const beat = setInterval(() => lutimes(path, new Date(), new Date()).catch(() => {}), heartbeatMs)
  beat.unref()
  try {
    return await work()
  } finally {
    clearInterval(beat)
    await clearBroken(path)
    await removeInstance(path, id)
  }
}

async function acquire(path: string, signal: AbortSignal | undefined): Promise<string> {
  const id = randomBytes(8).toString('hex')
  const content = Buffer.from(encodeJson({ id, owner: thisProcess() })).toString()
  let watched = { id: '', heartbeat: 0, waited: 0 }
  for (let delay = 10; ; delay = Math.min(delay * 1.5, 250)) {
    signal?.throwIfAborted()
    if (await show(path, content)) return id
    const held = await readLock(path)
    if (held === undefined) continue
    if (held.id !== watched.id || held.heartbeat !== watched.heartbeat)
      watched = { id: held.id, heartbeat: held.heartbeat, waited: 0 }
    if (isStale(held, watched.waited)) {
      await breakLock(path, held.id, signal)
      continue
    }
    const pause = delay * (0.5 + Math.random())
    watched.waited += pause
    await pauseFor(pause, signal)
  }
}

/** Waits, or throws the signal's reason as soon as there is one. */
async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stop = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', stop)
  const timer = setTimeout(resolve, ms)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/** Makes the lock; false when there is one already. */
async function show(path: string, content: string): Promise<boolean> {
  try {
    await symlink(content, path)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return false
    if (errno !== 'EPERM' && errno !== 'ENOSYS' && errno !== 'ENOTSUP') throw diskError(error, path)
  }
  return showAsFile(path, content)
}

async function showAsFile(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o644)
    try {
      await file.writeFile(content)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw diskError(error, path)
  }
}

/** A lock as another process made it. */
interface HeldLock {
  /** Unique to this one taking of the lock. */
  readonly id: string
  /** Undefined when the content could not be read. */
  readonly owner: Owner | undefined
  /** Milliseconds since 1970. */
  readonly heartbeat: number
}

async function readLock(path: string): Promise<HeldLock | undefined> {
  try {
    const stat = await lstat(path)
    const value = parsed(await contentOfLock(path, stat))
    const id = isObject(value) ? value['id'] : undefined
    const owner = isObject(value) ? ownerFromJson(value['owner']) : undefined
    // The id becomes part of a path, so it is only taken in the shape that we give it.
    return typeof id === 'string' && /^[0-9a-f]{16}$/.test(id) && owner !== undefined
      ? { id, owner, heartbeat: stat.mtimeMs }
      : { id: `inode-${stat.ino}`, owner: undefined, heartbeat: stat.mtimeMs }
  } catch (error) {
    // EINVAL: it was a link when looked at and a file when read; look again.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EINVAL') return undefined
    throw diskError(error, path)
  }
}

async function contentOfLock(path: string, stat: Stats): Promise<string> {
  if (stat.isSymbolicLink()) return readlink(path)
  return stat.isFile() && stat.size <= maxContent ? readFile(path, 'utf8') : ''
}

function parsed(text: string): Json | undefined {
  try {
    return parseJson(Buffer.from(text), 'the lock')
  } catch {
    return undefined // the caller treats an unreadable lock by its age
  }
}

function isStale({ owner, heartbeat }: HeldLock, waited: number): boolean {
  if (owner === undefined) return Date.now() - heartbeat > unreadableMs || waited > unreadableMs
  return !isAlive(owner, heartbeat) || (!isNear(owner) && waited > watchMs)
}

/**
 * Removes the lock of a holder that died. Whoever removes the lock `id` holds a lock named for it:
 * of two that found it stale, the second sees that it is gone and leaves the next holder's alone.
 */
async function breakLock(path: string, id: string, signal: AbortSignal | undefined): Promise<void> {
  await withLock(`${path}.${id}`, signal, () => removeInstance(path, id))
}

/**
 * Removes what breakers that died have left, while holding the lock itself: the lock that they were
 * to break is gone by then, so that nobody can need these any more.
 */
async function clearBroken(path: string): Promise<void> {
  const folder = dirname(path)
  const prefix = `${basename(path)}.`
  try {
    for (const name of await readdir(folder))
      if (name.startsWith(prefix) && /^([0-9a-f]{16}|inode-\d+)\b/.test(name.slice(prefix.length)))
        await rm(join(folder, name), { force: true })
  } catch {
    // Litter harms nobody, and the next holder tries again.
  }
}

async function removeInstance(path: string, id: string): Promise<void> {
  if ((await readLock(path))?.id !== id) return
  await rm(path, { force: true }).catch(error => {
    throw diskError(error, path)
  })
}
