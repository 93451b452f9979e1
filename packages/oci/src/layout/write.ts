import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Blob } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import { encodeIndex, type ImageIndex } from '../documents/image-index.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { OrchError, UsageError } from '../errors.ts'
import { syncDirectory, writeFileAtomic } from '../fs/atomic.ts'
import { diskError, errnoOf } from '../fs/disk-error.ts'
import { makeFolder, removeEmpty } from '../fs/folder.ts'
import { withLock } from '../fs/lock.ts'
import { atOnce } from '../graph/at-once.ts'
import { walkGraph } from '../graph/walk.ts'
import { encodeJson } from '../json.ts'
import { type NamedImage, nameAnnotations, topDescriptors } from './names.ts'
import { placeBlob } from './place.ts'
import { blobPath, checkFolders, layoutVersion, openLayout } from './read.ts'

/** So many blobs are brought into a layout side by side. */
const blobsAtOnce = 8

/** What a write did: blobs that had to be put there, and blobs that were there already. */
export interface LayoutWrite {
  readonly written: number
  readonly reused: number
}

/**
 * Writes images into the OCI layout at `path`, which is made when nothing is there. What it holds
 * stays, except that a name given here moves to the new image, and blobs that only the image before
 * it had are removed. Blobs come first and `index.json` last, each synced, under a lock: a reader
 * sees the layout as it was or as it will be. Throws `LAYOUT_INVALID` when the folder holds something
 * else, `DISK_FULL`, and what reading the images throws.
 */
export async function writeLayout(
  path: string,
  images: readonly NamedImage[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<LayoutWrite> {
  for (let attempt = 1; ; attempt += 1) {
    const unmake = await makeFolder(path)
    try {
      return await withLock(join(path, '.orch-lock'), options.signal, () =>
        writeLocked(path, images, options.signal),
      )
    } catch (error) {
      await unmake()
      // Another writer that failed has just taken its empty folder away: make it again.
      if (errnoOf(error) !== 'ENOENT' || attempt === 5) throw error
    }
  }
}

async function writeLocked(
  path: string,
  images: readonly NamedImage[],
  signal: AbortSignal | undefined,
): Promise<LayoutWrite> {
  const scratch = join(path, '.orch-tmp')
  const written: string[] = []
  try {
    await rm(scratch, { recursive: true, force: true }) // left by a writer that was killed
    await mkdir(scratch)
    return await writeAll(path, images, scratch, written, signal)
  } catch (error) {
    await removeWritten(path, written).catch(() => {}) // what went wrong first says more
    throw diskError(error, path)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/**
 * Takes away the blobs of a write that failed, but for those that the layout's `index.json` reaches: a
 * damaged one may have been made good, and the failure may have come after the new index was in place.
 * Of a layout that never came to be, the folders go too.
 */
async function removeWritten(path: string, written: readonly string[]): Promise<void> {
  const there: readonly string[] = await readdir(path).catch(() => [])
  if (there.includes('index.json')) {
    const kept = await reachable(path, (await openLayout(path)).index.manifests)
    if (kept === undefined) return // it cannot be told what is needed: remove nothing
    const needed = new Set([...kept].map(digest => blobPath(path, digest)))
    for (const blob of written) if (!needed.has(blob)) await rm(blob, { force: true })
    return
  }
  for (const blob of written) await rm(blob, { force: true })
  await rm(join(path, 'oci-layout'), { force: true })
  for (const folder of [...new Set(written.map(blob => dirname(blob))), join(path, 'blobs')]) {
    await removeEmpty(folder)
  }
}

/** @param written gains every blob that had to be put there */
async function writeAll(
  path: string,
  images: readonly NamedImage[],
  scratch: string,
  written: string[],
  signal: AbortSignal | undefined,
): Promise<LayoutWrite> {
  const before = await existingIndex(path)
  const after = mergeIndex(before, images)
  for (const algorithm of ['sha256', 'sha512']) await checkFolders(path, algorithm)
  const blobs = new Map<string, Blob>()
  for (const { source } of images) {
    for await (const { descriptor, blob } of walkGraph(source, { signal }))
      blobs.set(blobPath(path, descriptor.digest), blob)
  }
  await placeAll(blobs, scratch, written, signal)
  for (const folder of new Set([...blobs.keys()].map(blob => dirname(blob))))
    await syncDirectory(folder)
  signal?.throwIfAborted()
  const writeTop = (name: string, bytes: Uint8Array): Promise<void> =>
    writeFileAtomic(join(path, name), bytes, { temporary: join(scratch, name) })
  await writeTop('oci-layout', encodeJson({ imageLayoutVersion: layoutVersion }))
  await writeTop('index.json', encodeIndex(after))
  await removeReplaced(path, before, after)
  return { written: written.length, reused: blobs.size - written.length }
}

/** Puts blobs at their paths, several at once. The first failure ends all others. */
async function placeAll(
  blobs: ReadonlyMap<string, Blob>,
  scratch: string,
  written: string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const end = new AbortController()
  const ends = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal])
  const place = async ([target, blob]: readonly [string, Blob]): Promise<void> => {
    try {
      if (await placeBlob(blob, target, scratch, ends)) written.push(target)
    } catch (error) {
      end.abort(error)
      throw error
    }
  }
  await atOnce([...blobs], place, blobsAtOnce).catch(error => {
    throw end.signal.reason ?? error
  })
}

const emptyIndex: ImageIndex = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }

async function existingIndex(path: string): Promise<ImageIndex> {
  const there = (await readdir(path)).filter(name => !name.startsWith('.orch-'))
  // A writer killed before its first index.json leaves these two at most.
  if (there.every(name => name === 'blobs' || name === 'oci-layout')) return emptyIndex
  if (!there.includes('oci-layout')) {
    throw new OrchError('LAYOUT_INVALID', `${path} holds files, but no OCI layout`, {
      hint: 'Choose a folder that is empty, absent, or already a layout.',
    })
  }
  return (await openLayout(path)).index
}

/** Gives the names to the new images and takes them from whatever had them. */
function mergeIndex(before: ImageIndex, images: readonly NamedImage[]): ImageIndex {
  const added = images.flatMap(topDescriptors)
  const keys = new Map<string, Digest>()
  for (const item of added) {
    const key = keyOf(item)
    if ((keys.get(key) ?? item.digest) !== item.digest) {
      throw new UsageError('NAME_TAKEN', `two images are to be written under the one name ${key}`)
    }
    keys.set(key, item.digest)
  }
  const kept = before.manifests.filter(item => !keys.has(keyOf(item)))
  const unique = new Map(added.map(item => [keyOf(item), item]))
  return { ...before, manifests: [...kept, ...unique.values()] }
}

function keyOf({ annotations, digest }: Descriptor): string {
  return annotations?.[nameAnnotations.containerd] ?? annotations?.[nameAnnotations.ref] ?? digest
}

/** Removes the blobs that only images no longer listed had. Blobs that no image ever listed are not ours to remove. */
async function removeReplaced(path: string, before: ImageIndex, after: ImageIndex): Promise<void> {
  const digests = new Set(after.manifests.map(item => item.digest))
  const replaced = before.manifests.filter(item => !digests.has(item.digest))
  if (replaced.length === 0) return
  const kept = await reachable(path, after.manifests)
  if (kept === undefined) return // the rest of the layout cannot be read: remove nothing
  const gone = (await reachable(path, replaced)) ?? new Set()
  for (const digest of gone)
    if (!kept.has(digest)) await rm(blobPath(path, digest), { force: true })
}

async function reachable(
  path: string,
  roots: readonly Descriptor[],
): Promise<Set<Digest> | undefined> {
  const layout = await openLayout(path)
  const found = new Set<Digest>()
  try {
    for (const root of roots) {
      for await (const { descriptor } of walkGraph({ root, content: layout }))
        found.add(descriptor.digest)
    }
    return found
  } catch {
    return undefined
  }
}
