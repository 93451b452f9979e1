import { readBlob } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { imageConfigIn } from '../documents/image-config.ts'
import { isConfigType, isIndexType, isManifestType } from '../documents/media-types.ts'
import {
  formatPlatform,
  type Platform,
  type PlatformMatching,
  platformOf,
  selectPlatform,
} from '../documents/platform.ts'
import { OrchError } from '../errors.ts'
import { GraphBudget } from './budget.ts'
import { childrenOf, readDocument } from './document.ts'
import { blobOf, type ImageSource } from './source.ts'

/** A manifest of an image with the platform that it serves. */
export interface PlatformManifest {
  readonly descriptor: Descriptor
  readonly platform: Platform
}

/** Everything under a root that is no index, nested indexes opened, each once, in order. Throws `GRAPH_TOO_LARGE`. */
export async function manifestsUnder(
  image: ImageSource,
  signal?: AbortSignal,
): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = []
  const budget = new GraphBudget(image.root)
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (!budget.visit(descriptor, depth)) return
    if (!isIndexType(descriptor.mediaType)) {
      found.push(descriptor)
      return
    }
    const document = await readDocument(image.content, descriptor, signal)
    for (const child of childrenOf(document)) await visit(child, depth + 1)
  }
  await visit(image.root, 0)
  return found
}

/**
 * The image manifests under a root, nested indexes included, with their platforms: the index's word,
 * or the config's where the index says nothing; only then is a manifest read, so one that a medium
 * lacks does no harm. Attestations and others of platform `unknown` are left out, as they run nowhere.
 * Throws `GRAPH_TOO_LARGE`.
 */
export async function platformManifests(
  image: ImageSource,
  signal?: AbortSignal,
): Promise<readonly PlatformManifest[]> {
  const found = new Map<string, PlatformManifest>()
  for (const descriptor of await manifestsUnder(image, signal)) {
    const platform = descriptor.platform ?? (await configPlatform(image, descriptor, signal))
    if (platform === undefined || platform.os === 'unknown') continue
    found.set(`${descriptor.digest} ${formatPlatform(platform)}`, { descriptor, platform })
  }
  return [...found.values()]
}

/** The manifest that serves a platform. Throws `PLATFORM_MISSING`, which lists what there is. */
export async function manifestFor(
  image: ImageSource,
  wanted: Platform,
  options: { what: string; matching?: PlatformMatching; signal?: AbortSignal | undefined },
): Promise<PlatformManifest> {
  return chooseManifest(await platformManifests(image, options.signal), wanted, options)
}

/** The one of an image's manifests that serves a platform; the error is that of `manifestFor`. */
export function chooseManifest(
  manifests: readonly PlatformManifest[],
  wanted: Platform,
  options: { what: string; matching?: PlatformMatching },
): PlatformManifest {
  const found = selectPlatform(wanted, manifests, options.matching)
  if (found !== undefined) return found
  const there = manifests.map(item => formatPlatform(item.platform)).sort()
  const near = selectPlatform(wanted, manifests, 'loose')
  throw new OrchError(
    'PLATFORM_MISSING',
    `${options.what} has no ${formatPlatform(wanted)}; it has ${there.join(', ') || 'no platform'}`,
    {
      hint:
        near === undefined
          ? 'Leave it out, or use an image that has it: another base, another source.'
          : `${formatPlatform(near.platform)} would run there too; ask for it by that name.`,
    },
  )
}

/** The platform that a manifest's config says; undefined for a manifest of something else. */
async function configPlatform(
  { content }: ImageSource,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Platform | undefined> {
  if (!isManifestType(descriptor.mediaType)) return undefined
  const document = await readDocument(content, descriptor, signal)
  const [config] = childrenOf(document)
  if (config === undefined || !isConfigType(config.mediaType)) return undefined
  const bytes = await readBlob(await blobOf(content, config), { signal })
  const parsed = imageConfigIn(bytes, `config ${config.digest}`)
  return parsed === undefined ? undefined : platformOf(parsed)
}
