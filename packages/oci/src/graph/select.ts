import { readBlob } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { parseImageConfig } from '../documents/image-config.ts'
import { isConfigType } from '../documents/media-types.ts'
import {
  formatPlatform,
  matchesPlatform,
  type Platform,
  type PlatformMatching,
  platformOf,
  selectPlatform,
} from '../documents/platform.ts'
import { OrchError } from '../errors.ts'
import { readDocument } from './document.ts'
import type { ImageSource } from './source.ts'
import { graphLimits } from './walk.ts'

/** A manifest of an image with the platform that it serves. */
export interface PlatformManifest {
  readonly descriptor: Descriptor
  readonly platform: Platform
}

/**
 * The image manifests under a root, nested indexes included, with their platforms: the index's word,
 * or the config's where the index says nothing. Attestations and others of platform `unknown` are
 * left out, as they run nowhere.
 */
export async function platformManifests(
  image: ImageSource,
  signal?: AbortSignal,
): Promise<readonly PlatformManifest[]> {
  const found = new Map<string, PlatformManifest>()
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (depth > graphLimits.maxDepth) {
      throw new OrchError(
        'GRAPH_TOO_LARGE',
        `${image.root.digest} nests deeper than ${graphLimits.maxDepth} levels`,
      )
    }
    const document = await readDocument(image.content, descriptor, signal)
    if (document.kind === 'index') {
      for (const child of document.index.manifests) await visit(child, depth + 1)
      return
    }
    const { config } = document.manifest
    if (!isConfigType(config.mediaType)) return
    const platform = descriptor.platform ?? (await configPlatform(image, config, signal))
    if (platform.os !== 'unknown')
      found.set(`${descriptor.digest} ${formatPlatform(platform)}`, { descriptor, platform })
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
  const near = manifests.find(item => matchesPlatform(wanted, item.platform, 'loose'))
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

async function configPlatform(
  { content }: ImageSource,
  config: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Platform> {
  const bytes = await readBlob(await content.blob(config), { signal })
  return platformOf(parseImageConfig(bytes, `config ${config.digest}`))
}
