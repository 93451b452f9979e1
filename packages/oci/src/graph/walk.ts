import type { Blob } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import { OrchError } from '../errors.ts'
import { childrenOf, type Document, isDocumentType, readDocument } from './document.ts'
import type { ImageSource } from './source.ts'

/** Bounds on a graph from outside. */
export interface GraphLimits {
  /** Levels below the root. */
  readonly maxDepth?: number
  /** Descriptors in all. */
  readonly maxNodes?: number
}

export const graphLimits: Required<GraphLimits> = { maxDepth: 16, maxNodes: 100_000 }

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
  const { maxDepth = graphLimits.maxDepth, maxNodes = graphLimits.maxNodes, signal } = options
  const seen = new Set<Digest>()
  async function* visit(
    descriptor: Descriptor,
    depth: number,
  ): AsyncGenerator<GraphNode, void, undefined> {
    if (seen.has(descriptor.digest)) return
    seen.add(descriptor.digest)
    signal?.throwIfAborted()
    if (depth > maxDepth || seen.size > maxNodes) tooLarge(image.root, maxDepth, maxNodes)
    if (!isDocumentType(descriptor.mediaType)) {
      const blob = await image.content
        .blob(descriptor)
        .catch(error => absentForeign(descriptor, error))
      if (blob !== undefined) yield { descriptor, blob }
      return
    }
    const document = await readDocument(image.content, descriptor, signal)
    for (const child of childrenOf(document)) yield* visit(child, depth + 1)
    yield { descriptor, blob: await image.content.blob(descriptor), document }
  }
  yield* visit(image.root, 0)
}

function tooLarge(root: Descriptor, maxDepth: number, maxNodes: number): never {
  throw new OrchError(
    'GRAPH_TOO_LARGE',
    `${root.digest} nests deeper than ${maxDepth} levels or has more than ${maxNodes} descriptors`,
  )
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
