import type { GraphLimits } from './budget.ts'
import type { ImageSource } from './source.ts'
import { type GraphNode, traverse } from './traverse.ts'

/**
 * Every blob under a root, each once, children before parents and the root last: the order in which a
 * medium must receive them. All are asked for before the first is handed out. Documents are verified;
 * other blobs are verified when they are read. Throws `BLOB_MISSING`, `GRAPH_TOO_LARGE`, and what
 * parsing throws. A foreign layer that its medium does not hold is left out: its URLs are not followed.
 */
export async function* walkGraph(
  image: ImageSource,
  options: GraphLimits & { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<GraphNode, void, undefined> {
  const { nodes, absent } = await traverse(image, options)
  for (const { error } of absent) throw error
  for (const node of nodes) {
    options.signal?.throwIfAborted()
    yield node
  }
}
