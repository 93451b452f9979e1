import type { Blob, GraphNode } from '@orch/oci'
import type { ListedImage } from '../engine/types.ts'
import { beginningOf, type Part, sendPart } from './part.ts'
import type { Request } from './request.ts'
import { type Count, countOf } from './send.ts'
import { takeAway } from './take-away.ts'

/** The engine's own platform on its way before the rest of an image. */
export interface OwnPart {
  /** What was sent with it too. */
  added(sent: Count): Promise<Count>
  /** Gives it up if it is not there yet, and takes it away again: the image holds what it brought. */
  end(): Promise<void>
}

/** Below so many bytes, for its own platform or for the others, an engine gains nothing by it. */
const worthIt = 32 * 1024 * 1024

/**
 * Begins to send what containers of the engine run from as an image of its own, without a name, whose layers
 * the rest need not bring: an engine reads an archive, and then unpacks it, and does both at once with two
 * archives alone. If it fails, the rest brings them after all. Undefined where it is not worth it.
 */
export function beginOwnPart(
  request: Request,
  { source, blobs, layers }: Part,
  own: GraphNode | undefined,
  there: readonly ListedImage[],
): OwnPart | undefined {
  const { context, engine, underway } = request
  // The rest holds its call until this one has ended: with few calls they could wait for each other.
  if (Number.isFinite(engine.atOnce)) return undefined
  const root = own?.descriptor
  if (own?.document?.kind !== 'manifest' || root === undefined) return undefined
  const { config, layers: below } = own.document.manifest
  const names = new Set([root, config, ...below].map(({ digest }) => digest))
  const isOwn = ({ descriptor }: Blob): boolean => names.has(descriptor.digest)
  const mine = blobs.filter(isOwn)
  const { bytes } = countOf(mine)
  const isIt = root.digest === source.root.digest || there.some(({ id }) => id === root.digest)
  if (isIt || bytes < worthIt || countOf(blobs).bytes - bytes < worthIt) return undefined

  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const alone = { ...request, context: { ...context, signal } }
  const part = { source: { ...source, root }, blobs: mine, layers }
  const done = underway
    .during(beginningOf(part), shared => sendPart(alone, part, shared, true))
    .catch(() => undefined)
  return {
    async added(sent) {
      const { blobs: more = 0, bytes = 0 } = (await done) ?? {}
      return { blobs: sent.blobs + more, bytes: sent.bytes + bytes }
    },
    async end() {
      stop.abort()
      await done
      // It may have become an image of its own, by another load.
      if (!underway.roots.has(root.digest)) await takeAway(request, [root.digest], there)
    },
  }
}
