import { type Digest, type Platform, type WholeImage, wholeImage } from '@orch/oci'
import type { ListedImage } from '../engine/types.ts'
import { availableOf, heldLayers, rememberLayers } from './held.ts'
import { notWhole } from './incomplete.ts'
import { giveNames, type Naming } from './naming.ts'
import { type Request, whatOf } from './request.ts'
import type { Count } from './send.ts'
import { ownManifest, sendWhole } from './send-whole.ts'
import { takeAway } from './take-away.ts'

/** What became of an image. */
export interface LoadedWhole {
  readonly whole: WholeImage
  readonly sent: Count
}

/**
 * Brings an image, all its platforms below one index, into an engine with containerd's image store. Layers
 * of manifests that the engine has whole are not sent. Throws `IMAGE_INCOMPLETE`, `PLATFORM_MISSING`,
 * `DOCKER_INCOMPLETE`, and what the engine's calls throw.
 */
export async function loadWhole(request: Request): Promise<LoadedWhole> {
  const { engine, image, names, context } = request
  const { signal } = context
  const what = whatOf(request)
  const whole = await wholeImage(image, { platforms: platformsOf(request), what, signal })
  const digests = whole.manifests.map(({ descriptor }) => descriptor.digest)
  const own = ownManifest(request, whole)?.descriptor.digest
  const { digest } = whole.source.root
  request.underway.roots.add(digest)
  const isWhole = (found: ListedImage | undefined): boolean =>
    found !== undefined && found.id === digest && hasAll(found, digests) && isUnpacked(found, own)
  // One whose API does not tell has what it was sent.
  const isThere = (found: ListedImage | undefined): boolean =>
    isWhole(found) || (found !== undefined && found.id === digest && isUntold(found))
  const lacking: Naming[] = []
  for (const name of names) {
    const found = await engine.inspect(name, signal)
    if (!isWhole(found)) lacking.push({ name, id: digest, before: found?.id })
  }
  const nothing = { blobs: 0, bytes: 0 }
  if (lacking.length === 0) return { whole, sent: nothing }
  let there: readonly ListedImage[] = []
  const sent = await request.underway.oneOfFew(async () => {
    there = await engine.images(signal)
    // Under another name already: it needs no more than this one.
    if (there.some(isWhole)) return nothing
    const isLoaded = async (): Promise<boolean> => isThere(await engine.inspect(digest, signal))
    const held = await heldLayers(there, whole.nodes, context.store)
    const count = await sendWhole(request, whole, { there, held, isLoaded })
    await rememberLayers(whole.nodes, context.store)
    return count
  }, signal)
  try {
    await giveNames(request, lacking, (_, found) => (isThere(found) ? undefined : notWhole))
  } catch (error) {
    await takeAway(request, [digest], there)
    throw error
  }
  return { whole, sent }
}

/** An engine keeps what it could not unpack, and does not say so again. */
function isUnpacked({ manifests }: ListedImage, own: Digest | undefined): boolean {
  return manifests.every(({ digest, unpacked }) => digest !== own || unpacked !== 0)
}

/** Whether the engine says that it has these manifests with all that they name. */
function hasAll(found: ListedImage, digests: readonly Digest[]): boolean {
  const available = availableOf([found])
  return digests.every(digest => available.has(digest))
}

/** Older APIs do not say which manifests are there; what was pulled has one platform alone. */
function isUntold({ manifests }: ListedImage): boolean {
  return manifests.length === 0
}

/** Undefined for all that the image has. */
function platformsOf({ platforms, engine }: Request): readonly Platform[] | undefined {
  if (platforms === undefined || platforms === 'all') return undefined
  return platforms === 'native' ? [engine.info.platform] : platforms
}
