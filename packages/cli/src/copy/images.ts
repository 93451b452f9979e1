import { normalizeTag } from '@orch/config'
import type { Image, Orch } from '@orch/core'
import {
  type Digest,
  digestParts,
  type ImageSource,
  OrchError,
  onlyPlatforms,
  type Platform,
  parseReference,
  withoutNames,
} from '@orch/oci'

/** What is to be copied of a source; by default every image, whole and under its names. */
export interface CopyOptions {
  /** Names instead of those that images have; then there must be just one image. An export's own come first. */
  readonly names?: readonly string[]
  /** Only these, as `oci.parsePlatform` gives them; none means all. */
  readonly platforms?: readonly Platform[]
  /** Ends the looking before anything is written; the signal that `createOrch` was given ends all the rest. */
  readonly signal?: AbortSignal
}

/** The same with what the destinations say. */
interface Wanted extends CopyOptions {
  /** A name that one destination gives: there must be just one image, too. */
  readonly destinationName: string | undefined
}

/**
 * The images that a source means: the one that it names, else every image of its medium, each with
 * the platforms that are wanted. Throws `REFERENCE_INVALID` for a name that is none, `IMAGE_NOT_FOUND` when
 * there is no image, `IMAGE_AMBIGUOUS` when there must be one and are several, `PLATFORM_MISSING`, and what
 * opening throws.
 */
export async function imagesOf(orch: Orch, source: string, wanted: Wanted): Promise<Image[]> {
  const { destinationName, platforms = [], signal } = wanted
  const names = [...new Set((wanted.names ?? []).map(normalizeTag))]
  const one = names.length > 0 || destinationName !== undefined
  const opened = await orch.open(source, { whole: !one })
  const found = (one ? undefined : opened.images?.()) ?? [opened]
  if (found.length === 0) {
    throw new OrchError('IMAGE_NOT_FOUND', `${source} holds no image`, {
      hint: 'Check the path; orch inspect shows what a source holds.',
    })
  }
  const images: (ImageSource & { readonly references: readonly string[] })[] = []
  for (const image of found) {
    const references = names.length > 0 ? names : (image.names ?? [])
    const what = `image ${references[0] ?? source}`
    images.push({ ...(await onlyPlatforms(image, platforms, { what, signal })), references })
  }
  return named(images, destinationName)
}

/** Gives each image a short name of its own: the last part of its repository, else the first digits of its digest. */
function named(
  images: readonly (ImageSource & { readonly references: readonly string[] })[],
  destinationName: string | undefined,
): Image[] {
  const short = images.map(({ root, references: [first = destinationName] }) =>
    first === undefined ? digits(root.digest) : lastPart(first),
  )
  return images.map((image, at) => {
    const name = short[at] ?? ''
    const shared = short.filter(other => other === name).length > 1
    // The names that its medium gave it are not those that it gets.
    const root = withoutNames(image.root)
    return { ...image, root, name: shared ? `${name}-${digits(image.root.digest)}` : name }
  })
}

function lastPart(reference: string): string {
  const { path } = parseReference(reference)
  return path.slice(path.lastIndexOf('/') + 1)
}

function digits(digest: Digest): string {
  return digestParts(digest).hex.slice(0, 12)
}
