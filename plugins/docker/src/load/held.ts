import type { ExportContext } from '@orch/core'
import { atOnce, type Digest, type GraphNode, isDigest } from '@orch/oci'
import type { ListedImage } from '../engine/types.ts'

type Store = ExportContext['store']

/**
 * The layers that an engine holds, by the manifests that it has whole. It does not tell what those consist
 * of: known are those of `nodes`, and of images that were loaded before.
 */
export async function heldLayers(
  there: readonly ListedImage[],
  nodes: readonly GraphNode[],
  store: Store,
): Promise<ReadonlySet<Digest>> {
  const own = new Map(layersByManifest(nodes))
  const held = await atOnce(
    [...availableOf(there)],
    async manifest => own.get(manifest) ?? recall(manifest, store),
  )
  return new Set(held.flat())
}

/** The manifests that an engine says it has with all that they name. */
export function availableOf(images: readonly ListedImage[]): ReadonlySet<Digest> {
  return new Set(
    images.flatMap(({ manifests }) =>
      manifests.filter(({ available }) => available).map(({ digest }) => digest),
    ),
  )
}

/** Remembers which layers the manifests among the nodes have, for loads of other images. */
export async function rememberLayers(nodes: readonly GraphNode[], store: Store): Promise<void> {
  for (const [manifest, layers] of layersByManifest(nodes))
    await known(store.action(actionOf(manifest), async () => ({ blobs: [], data: layers })))
}

async function recall(manifest: Digest, store: Store): Promise<readonly Digest[]> {
  const unknown = async (): Promise<never> => {
    throw new Unknown()
  }
  const remembered = await known(store.action(actionOf(manifest), unknown))
  const { data = [] } = remembered ?? {}
  return Array.isArray(data) ? data.filter(isDigest) : []
}

/** What fails is not remembered, so that an action can ask for what only another one brings. */
class Unknown extends Error {}

/** Undefined when it is not known; who asks at the very moment when it is told is not told. */
async function known<T>(outcome: Promise<T>): Promise<T | undefined> {
  try {
    return await outcome
  } catch (error) {
    if (error instanceof Unknown) return undefined
    throw error
  }
}

function actionOf(manifest: Digest): { kind: string; inputs: { manifest: Digest } } {
  return { kind: 'docker-layers', inputs: { manifest } }
}

function layersByManifest(nodes: readonly GraphNode[]): [Digest, readonly Digest[]][] {
  return nodes.flatMap(({ descriptor, document }) =>
    document?.kind === 'manifest'
      ? [[descriptor.digest, document.manifest.layers.map(({ digest }) => digest)]]
      : [],
  )
}
