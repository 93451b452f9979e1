import type { Descriptor } from '../documents/descriptor.ts'
import type { Platform } from '../documents/platform.ts'
import { canonicalJson } from '../json.ts'
import { attestedBy } from './attestation.ts'
import { readDocument } from './document.ts'
import { indexOver, restOf } from './over.ts'
import { chooseManifest, manifestsUnder, platformManifests } from './select.ts'
import type { ImageSource } from './source.ts'

/**
 * The image with these platforms alone. With all that it has, or none named, it is the very same
 * source; else the root is a new index: the descriptors of the chosen manifests as they were, in their
 * order, nested indexes opened, the attestations about them beside them, everything else that the root
 * said kept. Nothing below an index is read whose platform the index says. Throws `PLATFORM_MISSING`.
 * @param options.what how messages name the image
 */
export async function onlyPlatforms(
  image: ImageSource,
  platforms: readonly Platform[],
  options: { readonly what: string; readonly signal?: AbortSignal | undefined },
): Promise<ImageSource> {
  const { signal } = options
  const there = await platformManifests(image, signal)
  const chosen = platforms.map(platform => chooseManifest(there, platform, options).descriptor)
  const keys = new Set(chosen.map(keyOf))
  if (keys.size === 0 || there.every(item => keys.has(keyOf(item.descriptor)))) return image
  const root = await readDocument(image.content, image.root, signal)
  if (root.kind === 'manifest') return image // it is its only platform
  const digests = new Set<string>(chosen.map(item => item.digest))
  const manifests = (await manifestsUnder(image, signal)).filter(item => {
    const about = attestedBy(item)
    return about === undefined ? keys.has(keyOf(item)) : digests.has(about)
  })
  const { root: bare, content } = indexOver(image.content, { ...root.index, manifests })
  const { annotations } = image.root
  return {
    root: annotations === undefined ? bare : { ...bare, annotations },
    content,
    ...restOf(image),
  }
}

/** One manifest may serve several platforms. */
function keyOf({ digest, platform }: Descriptor): string {
  return canonicalJson([digest, platform])
}
