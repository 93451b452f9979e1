import type { Blob } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import { OrchError } from '../errors.ts'
import { GraphBudget, type GraphLimits } from './budget.ts'
import { childrenOf, type Document, isDocumentType, readDocument } from './document.ts'
import { blobOf, type ImageSource } from './source.ts'

/** One blob of an image, with its document when it is one. */
export interface GraphNode {
  readonly descriptor: Descriptor
  readonly blob: Blob
  readonly document?: Document
}

/**
 * Every blob under a root, each once, children before parents and the root last: the order in which a
 * medium must receive them. Documents are verified; other blobs are verified when they are read.
 * Throws `BLOB_MISSING`, `GRAPH_TOO_LARGE`, and what parsing throws. A foreign layer that its medium
 * does not hold is left out: its URLs are not followed.
 */
export async function* walkGraph(
  image: ImageSource,
  options: GraphLimits & { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<GraphNode, void, undefined> {
  const { signal, ...limits } = options
  const budget = new GraphBudget(image.root, limits)
  const yielded = new Set<Digest>()
  const walked = new Set<Digest>()
  async function* visit(
    descriptor: Descriptor,
    depth: number,
  ): AsyncGenerator<GraphNode, void, undefined> {
    if (!budget.visit(descriptor, depth)) return
    signal?.throwIfAborted()
    // The same digest may stand once as a mere blob and once as a document, and then has children all the same.
    const isNew = !yielded.has(descriptor.digest)
    yielded.add(descriptor.digest)
    if (!isDocumentType(descriptor.mediaType)) {
      if (!isNew) return
      const blob = await blobOf(image.content, descriptor).catch(error =>
        absentForeign(descriptor, error),
      )
      if (blob !== undefined) yield { descriptor, blob }
      return
    }
    const document = await readDocument(image.content, descriptor, signal)
    for (const child of childrenOf(document)) yield* visit(child, depth + 1)
    if (isNew || !walked.has(descriptor.digest))
      yield { descriptor, blob: await blobOf(image.content, descriptor), document }
    walked.add(descriptor.digest)
  }
  yield* visit(image.root, 0)
}

/** A layer that the specification calls non-distributable may be absent; anything else may not. */
export function isForeign(descriptor: Descriptor): boolean {
  return (
    /\.(?:nondistributable|foreign)\./.test(descriptor.mediaType) &&
    (descriptor.urls ?? []).length > 0
  )
}

function absentForeign(descriptor: Descriptor, error: unknown): undefined {
  if (isForeign(descriptor) && error instanceof OrchError && error.code === 'BLOB_MISSING')
    return undefined
  throw error
}
