import type { Blob } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import { isForeignType } from '../documents/media-types.ts'
import { OrchError } from '../errors.ts'
import { atOnce } from './at-once.ts'
import { GraphBudget, type GraphLimits } from './budget.ts'
import { childrenOf, type Document, documentOf, isDocumentType } from './document.ts'
import { blobOf, type ImageSource } from './source.ts'

/** One blob of an image, with its document when it is one. */
export interface GraphNode {
  readonly descriptor: Descriptor
  readonly blob: Blob
  readonly document?: Document
}

/** A blob that is named but not there, and the `BLOB_MISSING` with which its source said so. */
export interface Absence {
  readonly descriptor: Descriptor
  readonly error: OrchError
}

/** What lies below a root. */
export interface Traversal {
  /** Each blob once, children before parents and the root last. */
  readonly nodes: readonly GraphNode[]
  readonly absent: readonly Absence[]
}

/** All documents of one image together, in bytes: they are held in memory. */
const maxDocuments = 64 * 1024 ** 2

type Found = GraphNode | Absence | undefined

/**
 * Asks for every blob under a root, level by level, several at once since each question may be a round
 * trip. Goes on when a blob is missing. Documents are read and verified; other blobs are verified when
 * they are read. A foreign layer that its medium does not hold is left out. Throws `GRAPH_TOO_LARGE`,
 * and what parsing throws.
 */
export async function traverse(
  image: ImageSource,
  options: GraphLimits & { readonly signal?: AbortSignal | undefined } = {},
): Promise<Traversal> {
  const { signal, ...limits } = options
  const budget = new GraphBudget(image.root, limits)
  const found = new Map<string, Found>()
  let documents = 0
  const look = async (descriptor: Descriptor): Promise<Found> => {
    signal?.throwIfAborted()
    const isDocument = isDocumentType(descriptor.mediaType)
    if (isDocument) documents += descriptor.size
    if (documents > maxDocuments) {
      const limit = `has documents of more than ${maxDocuments} bytes in all`
      throw new OrchError('GRAPH_TOO_LARGE', `${image.root.digest} ${limit}`)
    }
    try {
      const blob = await blobOf(image.content, descriptor)
      return isDocument
        ? { descriptor, blob, document: await documentOf(blob, signal) }
        : { descriptor, blob }
    } catch (error) {
      if (!(error instanceof OrchError) || error.code !== 'BLOB_MISSING') throw error
      return isForeign(descriptor) ? undefined : { descriptor, error }
    }
  }
  let level = budget.visit(image.root, 0) ? [image.root] : []
  for (let depth = 1; level.length > 0; depth += 1) {
    const fresh = [...new Map(level.map(item => [keyOf(item), item])).values()]
    const unseen = fresh.filter(item => !found.has(keyOf(item)))
    const outcomes = await atOnce(unseen, look)
    const below: Descriptor[] = []
    for (const [at, outcome] of outcomes.entries()) {
      const descriptor = unseen[at]
      if (descriptor !== undefined) found.set(keyOf(descriptor), outcome)
      if (outcome === undefined || !('document' in outcome)) continue
      for (const child of childrenOf(outcome.document)) {
        if (budget.visit(child, depth)) below.push(child)
      }
    }
    level = below
  }
  return inOrder(image.root, found)
}

/** Two descriptors with one key say the same of one blob. */
function keyOf({ digest, mediaType, size }: Descriptor): string {
  return `${digest} ${mediaType} ${size}`
}

/** A layer that the specification calls non-distributable may be absent; anything else may not. */
export function isForeign(descriptor: Descriptor): boolean {
  return isForeignType(descriptor.mediaType) && (descriptor.urls ?? []).length > 0
}

function inOrder(root: Descriptor, found: ReadonlyMap<string, Found>): Traversal {
  const nodes: GraphNode[] = []
  const absent: Absence[] = []
  const documents = new Map<Digest, GraphNode>()
  for (const item of found.values())
    if (item !== undefined && 'document' in item) documents.set(item.descriptor.digest, item)
  const met = new Set<Digest>()
  const visit = (descriptor: Descriptor): void => {
    if (met.has(descriptor.digest)) return
    met.add(descriptor.digest)
    // What stands once as a mere blob and once as a document has children all the same.
    const item = documents.get(descriptor.digest) ?? found.get(keyOf(descriptor))
    if (item === undefined) return
    if ('error' in item) {
      absent.push(item)
      return
    }
    if (item.document !== undefined) for (const child of childrenOf(item.document)) visit(child)
    nodes.push(item)
  }
  visit(root)
  return { nodes, absent }
}
