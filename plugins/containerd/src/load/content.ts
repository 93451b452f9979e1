import {
  type Blob,
  type Descriptor,
  type Digest,
  type Document,
  type ImageSource,
  isDocumentType,
  missingError,
  OrchError,
  onlyPlatforms,
  type Platform,
  type PlatformManifest,
  platformManifests,
  surveyGraph,
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

/**
 * Looks at the whole graph before anything is sent: what is missing for any platform is found here.
 * Throws `IMAGE_INCOMPLETE` and `PLATFORM_MISSING`.
 */
export async function contentOf(
  image: ImageSource,
  options: {
    readonly platforms: readonly Platform[] | undefined
    /** How messages name the image. */
    readonly what: string
    readonly signal: AbortSignal
  },
): Promise<Content> {
  const { platforms, what, signal } = options
  const source =
    platforms === undefined ? image : await onlyPlatforms(image, platforms, { what, signal })
  const survey = await surveyGraph(source, { signal })
  if (survey.missing.length > 0) throw missingError(survey, what)
  if (!isDocumentType(source.root.mediaType)) {
    throw new OrchError(
      'DOCUMENT_INVALID',
      `${what} is ${source.root.mediaType}, which is no image`,
    )
  }
  const there = new Set<Digest>(survey.nodes.map(({ descriptor }) => descriptor.digest))
  const leaves: Leaf[] = []
  const documents: LabelledDocument[] = []
  for (const { descriptor, blob, document } of survey.nodes) {
    if (document === undefined) leaves.push({ descriptor, blob })
    else documents.push({ descriptor, document, labels: childLabels(document, there) })
  }
  return { source, leaves, documents, manifests: await platformManifests(source, signal) }
}
