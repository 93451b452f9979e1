import { mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import { encodeIndex, type ImageIndex } from '../documents/image-index.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { OrchError } from '../errors.ts'
import { syncDirectory, writeFileAtomic } from '../fs/atomic.ts'
import { diskError } from '../fs/disk-error.ts'
import { withLock } from '../fs/lock.ts'
import type { ImageSource } from '../graph/source.ts'
import { walkGraph } from '../graph/walk.ts'
import { encodeJson } from '../json.ts'
import { nameToAnnotations, withoutNames } from './names.ts'
import { placeBlob } from './place.ts'
import { blobPath, layoutVersion, openLayout } from './read.ts'

/** An image and the names under which a medium shall know it; with no name it is found by digest alone. */
export interface NamedImage {
  readonly source: ImageSource
  readonly names: readonly string[]
}

/** What a write did. */
export interface LayoutWrite {
  readonly path: string
  /** Blobs that had to be put there, and blobs that were there already. */
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
  const { signal } = options
  const made = await makeFolder(path)
  try {
    return await withLock(join(path, '.orch-lock'), signal, async () => {
      const scratch = join(path, '.orch-tmp')
      await rm(scratch, { recursive: true, force: true }) // left by a writer that was killed
      try {
        await mkdir(scratch)
        return await writeLocked(path, images, scratch, signal)
      } catch (error) {
        throw diskError(error, path)
      } finally {
        await rm(scratch, { recursive: true, force: true })
      }
    })
  } catch (error) {
    if (made !== undefined) await removeUnlessLayout(path, made)
    throw error
  }
}

/** Makes the folder; returns the topmost folder that had to be made. */
async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true })
  } catch (error) {
    throw diskError(error, path)
  }
}

/** A folder that this call made, and in which no layout came to be, goes again. */
async function removeUnlessLayout(path: string, made: string): Promise<void> {
  const there: string[] = await readdir(path).catch(() => [])
  if (there.includes('index.json')) return
  await rm(path, { recursive: true, force: true })
  if (made === path) return
  for (let folder = dirname(path); folder.startsWith(made); folder = dirname(folder)) {
    const gone = await rmdir(folder).then(
      () => true,
      () => false,
    ) // someone else may have put something there
    if (!gone) return
  }
}

async function writeLocked(
  path: string,
  images: readonly NamedImage[],
  scratch: string,
  signal: AbortSignal | undefined,
): Promise<LayoutWrite> {
  const before = await existingIndex(path)
  const folders = new Set<string>()
  let written = 0
  let reused = 0
  for (const { source } of images) {
    for await (const { descriptor, blob } of walkGraph(source, { signal })) {
      const target = blobPath(path, descriptor.digest)
      if (await placeBlob(blob, target, scratch, signal)) written += 1
      else reused += 1
      folders.add(dirname(target))
    }
  }
  for (const folder of folders) await syncDirectory(folder)
  signal?.throwIfAborted()
  const writeTop = (name: string, bytes: Uint8Array): Promise<void> =>
    writeFileAtomic(join(path, name), bytes, { temporary: join(scratch, name) })
  await writeTop('oci-layout', encodeJson({ imageLayoutVersion: layoutVersion }))
  const after = mergeIndex(before, images)
  await writeTop('index.json', encodeIndex(after))
  await removeReplaced(path, before, after)
  return { path, written, reused }
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
  const added = images.flatMap(({ source: { root }, names }): Descriptor[] => {
    const bare = withoutNames(root)
    if (names.length === 0) return [bare]
    return names.map(name => ({
      ...bare,
      annotations: { ...bare.annotations, ...nameToAnnotations(name) },
    }))
  })
  const keys = new Map<string, Digest>()
  for (const item of added) {
    const key = keyOf(item)
    if ((keys.get(key) ?? item.digest) !== item.digest) {
      throw new OrchError('NAME_TAKEN', `two images are to be written under the one name ${key}`)
    }
    keys.set(key, item.digest)
  }
  const kept = before.manifests.filter(item => !keys.has(keyOf(item)))
  const unique = new Map(added.map(item => [keyOf(item), item]))
  return { ...before, manifests: [...kept, ...unique.values()] }
}

function keyOf({ annotations, digest }: Descriptor): string {
  return (
    annotations?.['io.containerd.image.name'] ??
    annotations?.['org.opencontainers.image.ref.name'] ??
    digest
  )
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
