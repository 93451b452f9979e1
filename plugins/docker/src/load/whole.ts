import {
  type Digest,
  type GraphNode,
  OrchError,
  type Platform,
  selectPlatform,
  type WholeImage,
  wholeImage,
} from '@orch/oci'
import { fullError, isFull } from '../engine/errors.ts'
import type { ListedImage } from '../engine/types.ts'
import { heldLayers, rememberLayers } from './held.ts'
import { incomplete } from './incomplete.ts'
import { note, type Request, whatOf } from './request.ts'
import { type Count, checkSources, isFailedLoad, send } from './send.ts'

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
  const own = ownManifest(request, whole)
  const { digest } = whole.source.root
  const isWhole = (found: ListedImage | undefined): boolean =>
    found !== undefined && found.id === digest && hasAll(found, digests) && isUnpacked(found, own)
  // One whose API does not tell has what it was sent.
  const isThere = (found: ListedImage | undefined): boolean =>
    isWhole(found) || (found !== undefined && found.id === digest && isUntold(found))
  const lacking: string[] = []
  for (const name of names) if (!isWhole(await engine.inspect(name, signal))) lacking.push(name)
  const nothing = { blobs: 0, bytes: 0 }
  if (lacking.length === 0) return { whole, sent: nothing }
  const there = await engine.images(signal)
  let sent: Count = nothing
  // Under another name already: it needs no more than this one.
  if (!there.some(isWhole)) {
    const isLoaded = async (): Promise<boolean> => isThere(await engine.inspect(digest, signal))
    sent = await sendWhole(request, whole, there, isLoaded)
    await rememberLayers(whole.nodes, context.store)
  }
  for (const name of lacking) {
    await engine.tag(digest, name, signal)
    if (isThere(await engine.inspect(name, signal))) continue
    throw incomplete(engine.where, name, 'it is not there with all its platforms, or not unpacked')
  }
  return { whole, sent }
}

function platformsOf({ platforms, engine }: Request): readonly Platform[] | undefined {
  if (platforms === undefined || platforms === 'all') return undefined
  return platforms === 'native' ? [engine.info.platform] : platforms
}

/** The manifest that containers of the engine run from, if it has anything to unpack. */
function ownManifest({ engine }: Request, { manifests, nodes }: WholeImage): Digest | undefined {
  const own = selectPlatform(engine.info.platform, manifests)?.descriptor.digest
  const node = nodes.find(({ descriptor }) => descriptor.digest === own)
  const hasLayers = node?.document?.kind === 'manifest' && node.document.manifest.layers.length > 0
  return hasLayers ? own : undefined
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

function availableOf(images: readonly ListedImage[]): ReadonlySet<Digest> {
  return new Set(
    images.flatMap(({ manifests }) =>
      manifests.filter(({ available }) => available).map(({ digest }) => digest),
    ),
  )
}

/**
 * Sends what the engine lacks, without names; everything when something that it had is gone by then.
 * Throws `BLOB_CORRUPT`, `DOCKER_INCOMPLETE`.
 */
async function sendWhole(
  request: Request,
  { source, nodes }: WholeImage,
  there: readonly ListedImage[],
  isLoaded: () => Promise<boolean>,
): Promise<Count> {
  const { engine, context } = request
  const images = [{ source, names: [] }]
  const unpackError = (said: string): OrchError =>
    isFull(said)
      ? fullError(engine.where, said)
      : new OrchError('DOCKER_LOAD', `${engine.where}: ${said}`, {
          hint: 'The image is there without a name, and cannot run; see the engine’s log.',
        })
  const sendNodes = async (some: readonly GraphNode[]): Promise<Count> => {
    const blobs = some.map(({ blob, descriptor }) => ({ ...blob, descriptor }))
    const sent = await send(request, { images, blobs }, source.root.digest, unpackError)
    // It takes an index of which it has not all.
    if (await isLoaded()) return sent
    await checkSources(blobs, context.signal)
    throw incomplete(
      engine.where,
      whatOf(request),
      'it is not there with all its platforms, or not unpacked',
    )
  }
  const held = await heldLayers(availableOf(there), nodes, context.store)
  const some = nodes.filter(({ descriptor }) => !held.has(descriptor.digest))
  if (some.length === nodes.length) return sendNodes(nodes)
  try {
    return await sendNodes(some)
  } catch (error) {
    if (!isFailedLoad(error)) throw error
    note(request, `${error.message}; sending all of the image`, 'warning')
    return sendNodes(nodes)
  }
}
