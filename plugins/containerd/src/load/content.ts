import {
  type Blob,
  type Descriptor,
  type Digest,
  type Document,
  type ImageSource,
  isDocumentType,
  OrchError,
  type Platform,
  type PlatformManifest,
  wholeImage,
} from '@orch/oci'
import type { Labels } from '../client/types.ts'
import { childLabels } from './labels.ts'

/** A blob without children. */
export interface Leaf {
  readonly descriptor: Descriptor
  readonly blob: Blob
}

/** A document with the labels by which garbage collection finds its children. */
export interface LabelledDocument {
  readonly descriptor: Descriptor
  readonly document: Document
  readonly labels: Labels
}

/** Everything of an image that goes into a daemon. */
export interface Content {
  readonly source: ImageSource
  readonly leaves: readonly Leaf[]
  /** Children before parents, the root last. */
  readonly documents: readonly LabelledDocument[]
  readonly manifests: readonly PlatformManifest[]
}

/** Looks at the whole graph before anything is sent. Throws `IMAGE_INCOMPLETE` and `PLATFORM_MISSING`. */
export async function contentOf(
  image: ImageSource,
  options: {
    readonly platforms: readonly Platform[] | undefined
    /** How messages name the image. */
    readonly what: string
    readonly signal: AbortSignal
  },
): Promise<Content> {
  const { source, nodes, manifests } = await wholeImage(image, options)
  if (!isDocumentType(source.root.mediaType)) {
    const what = `${options.what} is ${source.root.mediaType}`
    throw new OrchError('DOCUMENT_INVALID', `${what}, which is no image`)
  }
  const there = new Set<Digest>(nodes.map(({ descriptor }) => descriptor.digest))
  const leaves: Leaf[] = []
  const documents: LabelledDocument[] = []
  for (const { descriptor, blob, document } of nodes) {
    if (document === undefined) leaves.push({ descriptor, blob })
    else documents.push({ descriptor, document, labels: childLabels(document, there) })
  }
  return { source, leaves, documents, manifests }
}
