import type { Descriptor } from '../documents/descriptor.ts'
import { OrchError } from '../errors.ts'
import { canonicalJson } from '../json.ts'

/** Bounds on a graph from outside. */
export interface GraphLimits {
  /** Levels below the root. */
  readonly maxDepth?: number
  /** Different descriptors in all. */
  readonly maxNodes?: number
}

const defaults: Required<GraphLimits> = { maxDepth: 16, maxNodes: 100_000 }

/**
 * Keeps a walk through a graph from outside within bounds: each descriptor is met once, however many
 * ways lead to it, so that no small graph can unfold into a large one.
 */
export class GraphBudget {
  readonly #root: Descriptor
  readonly #limits: Required<GraphLimits>
  readonly #seen = new Set<string>()

  constructor(root: Descriptor, limits: GraphLimits = {}) {
    this.#root = root
    this.#limits = { ...defaults, ...limits }
  }

  /** Whether the descriptor is met for the first time. Throws `GRAPH_TOO_LARGE`. */
  visit(descriptor: Descriptor, depth: number): boolean {
    const { maxDepth, maxNodes } = this.#limits
    const { digest, mediaType, size, platform } = descriptor
    const key = canonicalJson([digest, mediaType, size, platform])
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    if (depth <= maxDepth && this.#seen.size <= maxNodes) return true
    throw new OrchError(
      'GRAPH_TOO_LARGE',
      `${this.#root.digest} nests deeper than ${maxDepth} levels or has more than ${maxNodes} descriptors`,
    )
  }
}
