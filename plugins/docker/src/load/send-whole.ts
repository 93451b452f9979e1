import {
  type Blob,
  type Descriptor,
  type Digest,
  type GraphNode,
  selectPlatform,
  type WholeImage,
} from '@orch/oci'
import type { ListedImage } from '../engine/types.ts'
import { chainsOf } from './chains.ts'
import { incomplete, notWhole } from './incomplete.ts'
import { beginOwnPart } from './own-part.ts'
import { beginningOf, type Part, sendBlobs, sendPart } from './part.ts'
import { note, type Request, whatOf } from './request.ts'
import { type Count, checkSources, isFailedLoad } from './send.ts'
import { takeAway } from './take-away.ts'

/** What an engine has before it is sent an image. */
export interface Before {
  readonly there: readonly ListedImage[]
  /** The layers among that. */
  readonly held: ReadonlySet<Digest>
  /** Whether it has the image by now. */
  readonly isLoaded: () => Promise<boolean>
}

/**
 * Sends what the engine lacks, without names; everything when something that it had is gone by then. One
 * that fails leaves no image. Throws `BLOB_CORRUPT`, `DOCKER_INCOMPLETE`, and what `send` throws.
 */
export async function sendWhole(
  request: Request,
  whole: WholeImage,
  before: Before,
): Promise<Count> {
  try {
    return await sendLacking(request, whole, before)
  } catch (error) {
    // An engine keeps an index of which it has not all, and what it cannot unpack.
    await takeAway(request, [whole.source.root.digest], before.there)
    throw error
  }
}

async function sendLacking(
  request: Request,
  whole: WholeImage,
  { there, held, isLoaded }: Before,
): Promise<Count> {
  const { engine, context, underway } = request
  const { source } = whole
  const all = whole.nodes.map(({ blob, descriptor }) => ({ ...blob, descriptor }))
  const blobs = all.filter(({ descriptor }) => !held.has(descriptor.digest))
  const own = ownManifest(request, whole)
  const part: Part = { source, blobs, layers: layersToUnpack(own, held) }
  const checked = async (sent: Count, some: readonly Blob[]): Promise<Count> => {
    if (await isLoaded()) return sent
    await checkSources(some, context.signal)
    throw incomplete(engine.where, whatOf(request), notWhole)
  }
  let isLeftOut = blobs.length < all.length
  const first = beginOwnPart(request, part, own, there)
  try {
    const sent = await underway.during(beginningOf(part), shared => {
      for (const came of shared.theirs.values()) void came.then(isThere => (isLeftOut ||= isThere))
      return sendPart(request, part, shared, first === undefined)
    })
    return await checked(first === undefined ? sent : await first.added(sent), blobs)
  } catch (error) {
    if (!isLeftOut || !isFailedLoad(error)) throw error
    note(request, `${error.message}; sending all of the image`, 'warning')
    return await checked(await sendBlobs(request, source, all), all)
  } finally {
    await first?.end()
  }
}

/** The manifest that containers of the engine run from, if it has anything to unpack. */
export function ownManifest(
  { engine }: Request,
  { manifests, nodes }: WholeImage,
): GraphNode | undefined {
  const own = selectPlatform(engine.info.platform, manifests)?.descriptor.digest
  const node = nodes.find(({ descriptor }) => descriptor.digest === own)
  return layersOf(node).length > 0 ? node : undefined
}

function layersToUnpack(
  own: GraphNode | undefined,
  held: ReadonlySet<Digest>,
): ReadonlyMap<string, Digest> {
  const digests = layersOf(own).map(({ digest }) => digest)
  const chains = chainsOf(digests)
  const layers = digests.map((digest, at) => [chains[at] ?? '', digest] as const)
  return new Map(layers.filter(([, digest]) => !held.has(digest)))
}

function layersOf(node: GraphNode | undefined): readonly Descriptor[] {
  return node?.document?.kind === 'manifest' ? node.document.manifest.layers : []
}
