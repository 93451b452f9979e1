import type { ExportContext } from '@orch/core'
import {
  atOnce,
  type Blob,
  childrenOf,
  type Digest,
  type GraphNode,
  isIndexType,
  OrchError,
} from '@orch/oci'
import { BlobUnknownError, type Repository } from '@orch/registry'
import type { Tally } from './tally.ts'

/** What a push works with. */
export interface Pushing {
  readonly context: ExportContext
  readonly tally: Tally
}

/** Brings the blobs of an image into a repository, side by side. */
export async function pushBlobs(
  nodes: readonly GraphNode[],
  repository: Repository,
  pushing: Pushing,
): Promise<void> {
  const blobs = nodes.filter(({ document }) => document === undefined)
  for (const { descriptor } of blobs) pushing.tally.announce(descriptor)
  await atOnce(blobs, ({ descriptor, blob }) =>
    pushing.context.limits.network(() => pushBlob({ ...blob, descriptor }, repository, pushing)),
  )
}

async function pushBlob(
  blob: Blob,
  repository: Repository,
  { context, tally }: Pushing,
): Promise<void> {
  const { descriptor } = blob
  const { signal } = context
  const progress = (sent: number): void => tally.progress(descriptor, sent)
  const pushed = await repository.push(blob, { signal, progress })
  tally.settle(descriptor, repository.name, pushed)
}

/**
 * Puts documents by their digests: manifests side by side, then indexes in the order of the nodes, which
 * is children before parents. All their blobs must be there.
 */
export async function pushDocuments(
  nodes: readonly GraphNode[],
  repository: Repository,
  pushing: Pushing,
): Promise<void> {
  const put = (node: GraphNode): Promise<void> =>
    pushing.context.limits.network(() => putDocument(node, [], nodes, repository, pushing))
  const documents = nodes.filter(({ document }) => document !== undefined)
  const isIndex = ({ descriptor }: GraphNode): boolean => isIndexType(descriptor.mediaType)
  await atOnce(
    documents.filter(node => !isIndex(node)),
    put,
  )
  for (const node of documents.filter(isIndex)) await put(node)
}

/**
 * Puts one document under tags, or by its digest. What the registry then says it lacks, though it had
 * said that it was there, is pushed again, once. Throws `REGISTRY_MISMATCH` when it has something else.
 */
export async function putDocument(
  node: GraphNode,
  tags: readonly string[],
  nodes: readonly GraphNode[],
  repository: Repository,
  pushing: Pushing,
): Promise<void> {
  try {
    await putOnce(node, tags, repository, pushing)
  } catch (error) {
    if (!(error instanceof OrchError) || error.code !== 'REGISTRY_BLOB_UNKNOWN') throw error
    const lacking = error instanceof BlobUnknownError ? error.digests : []
    await pushAgain(node, new Set(lacking), nodes, repository, pushing)
    await putOnce(node, tags, repository, pushing)
  }
}

/** Pushes the children of a document again: those that are named, or else all. */
async function pushAgain(
  { document, descriptor }: GraphNode,
  lacking: ReadonlySet<Digest>,
  nodes: readonly GraphNode[],
  repository: Repository,
  pushing: Pushing,
): Promise<void> {
  const { context } = pushing
  const message = `${repository.name}: the registry lost what ${descriptor.digest} needs; sending it again`
  context.events.emit({ type: 'log', level: 'warning', image: context.image.name, message })
  const children = document === undefined ? [] : childrenOf(document)
  const wanted = new Set(
    children
      .map(({ digest }) => digest)
      .filter(digest => lacking.size === 0 || lacking.has(digest)),
  )
  for (const node of nodes) {
    if (!wanted.has(node.descriptor.digest)) continue
    if (node.document === undefined)
      await pushBlob({ ...node.blob, descriptor: node.descriptor }, repository, pushing)
    else await putDocument(node, [], nodes, repository, pushing)
  }
}

async function putOnce(
  { descriptor, document }: GraphNode,
  tags: readonly string[],
  repository: Repository,
  { context }: Pushing,
): Promise<void> {
  if (document === undefined) return
  const { digest, mediaType } = descriptor
  const { bytes } = document
  const stored = await repository.put({ bytes, mediaType }, tags, context.signal)
  if (stored !== digest) throw mismatch(repository.name, digest, stored)
}

/** The registry has another digest than what was pushed: `REGISTRY_MISMATCH`. */
export function mismatch(name: string, wanted: Digest, found: Digest | undefined): OrchError {
  const what = found === undefined ? 'nothing' : found
  return new OrchError('REGISTRY_MISMATCH', `${name} is ${what} now, not ${wanted}`, {
    hint: 'Another push may have moved the tag meanwhile: push again.',
  })
}
