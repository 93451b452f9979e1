import {
  type Blob,
  type Descriptor,
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
import { type Count, checkSources, isFailedLoad, type Sending, send } from './send.ts'
import type { Shared } from './underway.ts'

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
    const isStill = await engine.tag(digest, name, signal)
    if (isStill && isThere(await engine.inspect(name, signal))) continue
    throw incomplete(engine.where, name, 'it is not there with all its platforms, or not unpacked')
  }
  return { whole, sent }
}

function platformsOf({ platforms, engine }: Request): readonly Platform[] | undefined {
  if (platforms === undefined || platforms === 'all') return undefined
  return platforms === 'native' ? [engine.info.platform] : platforms
}

/** The manifest that containers of the engine run from, if it has anything to unpack. */
function ownManifest({ engine }: Request, { manifests, nodes }: WholeImage): GraphNode | undefined {
  const own = selectPlatform(engine.info.platform, manifests)?.descriptor.digest
  const node = nodes.find(({ descriptor }) => descriptor.digest === own)
  return layersOf(node).length > 0 ? node : undefined
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
  whole: WholeImage,
  there: readonly ListedImage[],
  isLoaded: () => Promise<boolean>,
): Promise<Count> {
  const { engine, context, underway } = request
  const { source, nodes } = whole
  const unpackError = (said: string): OrchError =>
    isFull(said)
      ? fullError(engine.where, said)
      : new OrchError('DOCKER_LOAD', `${engine.where}: ${said}`, {
          hint: 'The image is there without a name, and cannot run; see the engine’s log.',
        })
  const sendBlobs = (blobs: readonly Blob[], more: Partial<Sending> = {}): Promise<Count> => {
    const images = [{ source, names: [] }]
    const platforms = platformsOf(request)
    return send(request, { images, blobs, platforms, ...more }, source.root.digest, { unpackError })
  }
  const checked = async (sent: Count, blobs: readonly Blob[]): Promise<Count> => {
    // It takes an index of which it has not all.
    if (await isLoaded()) return sent
    await checkSources(blobs, context.signal)
    const why = 'it is not there with all its platforms, or not unpacked'
    throw incomplete(engine.where, whatOf(request), why)
  }
  const all = nodes.map(({ blob, descriptor }) => ({ ...blob, descriptor }))
  const held = await heldLayers(availableOf(there), nodes, context.store)
  const lacking = all.filter(({ descriptor }) => !held.has(descriptor.digest))
  const layers = layersToUnpack(ownManifest(request, whole), held)
  let isAll = lacking.length === all.length
  const bring = ({ theirs, turn, sent }: Shared): Promise<Count> => {
    isAll &&= theirs.size === 0
    const came = new Map([...theirs].map(([layer, end]) => [layers.get(layer), end]))
    const mine = lacking.filter(({ descriptor }) => !came.has(descriptor.digest))
    const last = async (): Promise<readonly Blob[]> => {
      const late: Blob[] = []
      for (const blob of lacking)
        if ((await came.get(blob.descriptor.digest)) === false) late.push(blob)
      return late
    }
    return sendBlobs(mine, theirs.size === 0 ? { sent } : { turn, sent, last })
  }
  try {
    return await checked(await underway.during(layers.keys(), bring), lacking)
  } catch (error) {
    if (isAll || !isFailedLoad(error)) throw error
    note(request, `${error.message}; sending all of the image`, 'warning')
    return checked(await sendBlobs(all), all)
  }
}

/** What an engine would unpack of a manifest: a layer with all below it, and its digest. */
function layersToUnpack(
  own: GraphNode | undefined,
  held: ReadonlySet<Digest>,
): ReadonlyMap<string, Digest> {
  const layers = new Map<string, Digest>()
  let chain = ''
  for (const { digest } of layersOf(own)) {
    chain += ` ${digest}`
    if (!held.has(digest)) layers.set(chain, digest)
  }
  return layers
}

function layersOf(node: GraphNode | undefined): readonly Descriptor[] {
  return node?.document?.kind === 'manifest' ? node.document.manifest.layers : []
}
