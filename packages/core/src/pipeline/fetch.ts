import {
  atOnce,
  blobOf,
  childrenOf,
  type Descriptor,
  type Digest,
  formatPlatform,
  GraphBudget,
  type ImageSource,
  isForeign,
  isIndexType,
  OrchError,
  type Platform,
  readDocument,
} from '@orch/oci'
import { keptTag, keptTagData } from '../pin.ts'
import { registryName } from '../source-ref.ts'
import type { FetchedBase } from '../types/build.ts'
import type { ImageContext } from '../types/context.ts'
import { type Bases, type ChosenBase, keptName } from './base.ts'
import type { Stage } from './stage.ts'

/** For what an image's bases are fetched. */
export interface Fetching {
  readonly platforms: readonly Platform[]
  readonly bases: Bases
  /** The digests of bases that were asked for just now: no lock holds them. */
  readonly found: ReadonlyMap<string, Digest>
}

/** Brings everything into the store that a build of an image would ask the network for. */
export const fetch: Stage<Fetching, readonly FetchedBase[], ImageContext> = {
  name: 'fetch',
  async run({ platforms, bases, found }, context, { hooks }) {
    const wanted = await atOnce(platforms, async platform => {
      const chosen = await bases.choose(platform)
      const name = chosen === undefined ? undefined : registryName(chosen.ref)
      return chosen === undefined || name === undefined ? [] : [{ platform, chosen, name }]
    })
    const fetched = await atOnce(
      wanted.flat(),
      async ({ platform, chosen, name }): Promise<FetchedBase> => {
        const blobs = await fetchBase(chosen, context)
        const base = { ref: chosen.ref.text, digest: chosen.source.root.digest }
        const data = { name, digest: base.digest, platform: formatPlatform(platform) }
        await context.store.keep(keptName(chosen), { blobs, data })
        return { ...base, platform, blobs }
      },
    )
    for (const { chosen } of wanted.flat()) {
      const digest = found.get(chosen.ref.text)
      if (digest === undefined) continue
      await context.store.keep(keptTag(chosen.ref), { blobs: [], data: keptTagData(digest) })
    }
    await hooks.fetch.promise(platforms, context)
    return fetched
  },
}

/** Brings every blob of a base for one platform into the store, and names them. */
async function fetchBase(
  { source, descriptor }: ChosenBase,
  context: ImageContext,
): Promise<readonly Descriptor[]> {
  const { signal } = context
  const above = await indexesOf(source, signal)
  const below = childrenOf(await readDocument(source.content, descriptor, signal))
  const blobs = new Map([...above, descriptor, ...below].map(item => [item.digest, item]))
  const missing: Descriptor[] = []
  for (const item of blobs.values()) {
    if ((await context.store.get(item)) === undefined) missing.push(item)
  }
  for (const item of missing) tell(item, 0, context)
  const left = await atOnce(missing, async item => {
    if (await fetchBlob(source, item, context)) return []
    return [item.digest]
  })
  for (const digest of left.flat()) blobs.delete(digest)
  return [...blobs.values()]
}

/**
 * Reads a blob, by which the source of a base puts it into the store (`SourceRef.keep`). False for a layer
 * that its registry need not hold, and does not.
 */
async function fetchBlob(
  { content }: ImageSource,
  descriptor: Descriptor,
  context: ImageContext,
): Promise<boolean> {
  const { signal } = context
  try {
    const blob = await blobOf(content, descriptor)
    await drain(blob.open({ signal }), descriptor, context)
    return true
  } catch (error) {
    const isAbsent =
      error instanceof OrchError && ['BLOB_MISSING', 'REGISTRY_NOT_FOUND'].includes(error.code)
    if (isAbsent && isForeign(descriptor)) return false
    throw error
  } finally {
    tell(descriptor, descriptor.size, context)
  }
}

/** The indexes of an image, the root first; none when it is a manifest alone. */
async function indexesOf(source: ImageSource, signal: AbortSignal): Promise<Descriptor[]> {
  const found: Descriptor[] = []
  const budget = new GraphBudget(source.root)
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (!isIndexType(descriptor.mediaType) || !budget.visit(descriptor, depth)) return
    found.push(descriptor)
    const document = await readDocument(source.content, descriptor, signal)
    for (const child of childrenOf(document)) await visit(child, depth + 1)
  }
  await visit(source.root, 0)
  return found
}

const tellMs = 100

/** Reads to the end; how many bytes came is told, ten times a second. */
async function drain(
  bytes: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  context: ImageContext,
): Promise<void> {
  let current = 0
  let told = performance.now()
  for await (const chunk of bytes) {
    current += chunk.byteLength
    if (performance.now() - told < tellMs) continue
    told = performance.now()
    tell(descriptor, current, context)
  }
}

function tell({ digest, size }: Descriptor, current: number, context: ImageContext): void {
  const { image, events } = context
  events.emit({ type: 'progress', image: image.name, what: digest, current, total: size })
}
