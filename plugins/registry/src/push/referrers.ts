import type { ExportContext } from '@orch/core'
import type { GraphNode } from '@orch/oci'
import {
  type ContentSource,
  type Descriptor,
  type Digest,
  isDocumentType,
  OrchError,
  UsageError,
  wholeImage,
} from '@orch/oci'

/** More than any image has that means well. */
const most = 1000

/** Something that refers to an image, or to what refers to it. */
export interface Referrer {
  readonly nodes: readonly GraphNode[]
}

/**
 * Everything that refers to the documents of an image, and what refers to that, whole. Throws
 * `REFERRERS_UNKNOWN` when the source does not tell, `IMAGE_INCOMPLETE`, `GRAPH_TOO_LARGE`.
 */
export async function referrersOf(
  content: ContentSource,
  nodes: readonly GraphNode[],
  context: ExportContext,
): Promise<readonly Referrer[]> {
  if (content.referrers === undefined) {
    const why = `image ${context.image.name}: its source does not tell what refers to it`
    throw new UsageError('REFERRERS_UNKNOWN', why, { hint: 'Registries do; leave out referrers.' })
  }
  const { signal } = context
  const documents = nodes.filter(({ document }) => document !== undefined)
  const seen = new Set<Digest>(documents.map(({ descriptor }) => descriptor.digest))
  const found: Referrer[] = []
  // What is found is asked about in turn.
  const waiting = [...seen]
  for (const digest of waiting) {
    for (const referrer of await content.referrers(digest, signal)) {
      if (seen.has(referrer.digest)) continue
      seen.add(referrer.digest)
      if (seen.size > most + documents.length) throw tooMany(context)
      found.push(await whole(content, referrer, context))
      waiting.push(referrer.digest)
    }
  }
  return found
}

async function whole(
  content: ContentSource,
  referrer: Descriptor,
  { signal }: ExportContext,
): Promise<Referrer> {
  const { digest, mediaType, artifactType = 'a referrer' } = referrer
  if (!isDocumentType(mediaType))
    throw new OrchError('DOCUMENT_INVALID', `${digest} refers to the image, but is ${mediaType}`)
  const what = `${artifactType} ${digest}`
  const { nodes } = await wholeImage({ root: referrer, content }, { what, signal })
  return { nodes }
}

function tooMany({ image }: ExportContext): OrchError {
  return new OrchError(
    'GRAPH_TOO_LARGE',
    `more than ${most} documents refer to image ${image.name}`,
  )
}
