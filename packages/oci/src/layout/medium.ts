import type { Descriptor } from '../documents/descriptor.ts'
import type { ImageIndex } from '../documents/image-index.ts'
import { isManifestType, mediaTypes } from '../documents/media-types.ts'
import { formatPlatform, normalizePlatform } from '../documents/platform.ts'
import { OrchError } from '../errors.ts'
import { attestedBy, isBeside } from '../graph/attestation.ts'
import { indexOver } from '../graph/over.ts'
import type { ContentSource, ImageSource } from '../graph/source.ts'
import { canonicalJson } from '../json.ts'
import { namesOf, referenceOf, withoutNames } from './names.ts'

/** A medium that holds images under names: a layout, an archive. */
export interface Medium extends ContentSource {
  readonly path: string
  readonly index: ImageIndex
  /** How an archive says what it holds; manifests side by side in a docker archive are always several images. */
  readonly format?: 'oci' | 'docker'
}

/** The image that top-level descriptors with one digest stand for, with the whole names among theirs. */
export function imageOf(
  medium: Medium,
  items: readonly [Descriptor, ...Descriptor[]],
): ImageSource {
  return { root: items[0], content: medium, names: wholeNames(items) }
}

/** The top-level descriptors that stand for images; what only rides along with them, as attestations do, is left out. */
export function mainDescriptors({ index }: Medium): readonly Descriptor[] {
  const main = index.manifests.filter(item => !ridesAlong(item))
  return main.length === 0 ? index.manifests : main
}

function ridesAlong(item: Descriptor): boolean {
  return attestedBy(item) !== undefined || (isBeside(item) && namesOf(item).length === 0)
}

/**
 * The whole medium as one image, when it is a flat index: `index.json` lists the manifests of several
 * platforms itself, all with one name, one bare tag or none; attestations ride along. The root is an
 * index of them without names. Undefined when they cannot be told to be platforms of one image: two
 * of one platform, a platform not said, different names, an index among them.
 */
export function flatImage(medium: Medium): ImageSource | undefined {
  const main = mainDescriptors(medium)
  const images = unique(main)
  const listed = unique(medium.index.manifests)
  const isSeveral = listed.length > 1 && listed.every(item => isManifestType(item.mediaType))
  if (medium.format === 'docker' || !isSeveral) return undefined
  const platforms = images.flatMap(item => item.platform ?? [])
  const differ = new Set(platforms.map(item => canonicalJson(normalizePlatform(item))))
  const isOneName = new Set(main.map(item => referenceOf(item) ?? namesOf(item)[0])).size === 1
  if (images.length > 1 && (differ.size < images.length || !isOneName)) return undefined
  const manifests = listed.map(withoutNames)
  const over = indexOver(medium, { schemaVersion: 2, mediaType: mediaTypes.index, manifests })
  return { ...over, names: wholeNames(main) }
}

/** Each image of a medium once: what `ImageSource.images` gives for a medium opened whole. */
export function imagesOf(medium: Medium): readonly ImageSource[] {
  const main = mainDescriptors(medium)
  const flat = flatImage(medium)
  if (flat !== undefined && (flat.names?.length === 0 || unique(main).length === 1)) return [flat]
  for (const [name, items] of Map.groupBy(main, referenceOf)) {
    if (name !== undefined && unique(items).length > 1) throw ambiguous(medium, name, items)
  }
  return [...Map.groupBy(main, item => item.digest).values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : imageOf(medium, [first, ...rest]),
  )
}

/** The error for one name of several images: `IMAGE_AMBIGUOUS`, with the digest and platform of each. */
export function ambiguous(medium: Medium, name: string, items: readonly Descriptor[]): OrchError {
  const each = unique(items).map(({ digest, platform }) =>
    platform === undefined ? digest : `${digest} (${formatPlatform(platform)})`,
  )
  const message = `${medium.path} has ${each.length} images named ${name}: ${each.join(', ')}`
  return new OrchError('IMAGE_AMBIGUOUS', message, {
    hint:
      flatImage(medium) === undefined
        ? 'Name one by its digest, where the name would stand.'
        : 'Name one by its digest, where the name would stand; or, to copy them as the platforms of one image, give that image its name with --name.',
  })
}

function unique(items: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(items.map(item => [item.digest, item])).values()]
}

function wholeNames(items: readonly Descriptor[]): readonly string[] {
  return [...new Set(items.flatMap(item => referenceOf(item) ?? []))]
}
