import type { Platform } from '../documents/platform.ts'
import { onlyPlatforms } from './only-platforms.ts'
import { type PlatformManifest, platformManifests } from './select.ts'
import type { ImageSource } from './source.ts'
import { missingError, surveyGraph } from './survey.ts'
import type { GraphNode } from './traverse.ts'

/** An image of which all is there that is to go somewhere. */
export interface WholeImage {
  /** With the chosen platforms alone. */
  readonly source: ImageSource
  /** Each blob once, children before parents and the root last. */
  readonly nodes: readonly GraphNode[]
  readonly manifests: readonly PlatformManifest[]
}

/**
 * Looks at the whole graph before anything is written: what is missing for any platform is found here.
 * Throws `IMAGE_INCOMPLETE` and `PLATFORM_MISSING`.
 */
export async function wholeImage(
  image: ImageSource,
  options: {
    /** Undefined for all that the image has. */
    readonly platforms?: readonly Platform[] | undefined
    /** How messages name the image. */
    readonly what: string
    readonly signal: AbortSignal
  },
): Promise<WholeImage> {
  const { platforms, what, signal } = options
  const source =
    platforms === undefined ? image : await onlyPlatforms(image, platforms, { what, signal })
  const survey = await surveyGraph(source, { signal })
  if (survey.missing.length > 0) throw missingError(survey, what)
  const manifests = await platformManifests(source, signal)
  return { source, nodes: survey.nodes, manifests }
}
