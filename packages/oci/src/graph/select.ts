import { readBlob } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { parseImageConfig } from '../documents/image-config.ts'
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
  const budget = new GraphBudget(image.root)
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (!budget.visit(descriptor, depth)) return
    const { digest, mediaType } = descriptor
    if (isIndexType(mediaType)) {
      const document = await readDocument(image.content, descriptor, signal)
      for (const child of childrenOf(document)) await visit(child, depth + 1)
      return
    }
    const platform = descriptor.platform ?? (await configPlatform(image, descriptor, signal))
    if (platform === undefined || platform.os === 'unknown') return
    found.set(`${digest} ${formatPlatform(platform)}`, { descriptor, platform })
  }
  await visit(image.root, 0)
  return [...found.values()]
}

/** The manifest that serves a platform. Throws `PLATFORM_MISSING`, which lists what there is. */
export async function manifestFor(
  image: ImageSource,
  wanted: Platform,
  options: { what: string; matching?: PlatformMatching; signal?: AbortSignal | undefined },
): Promise<PlatformManifest> {
  const manifests = await platformManifests(image, options.signal)
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
          ? 'Leave the platform out of platforms, or use a base that has it.'
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
  return platformOf(parseImageConfig(bytes, `config ${config.digest}`))
}
