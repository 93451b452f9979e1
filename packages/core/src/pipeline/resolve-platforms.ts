import {
  formatPlatform,
  localPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
  UsageError,
} from '@orch/oci'
import { freeze } from '../freeze.ts'
import type { ImageContext } from '../types/context.ts'
import type { Bases } from './base.ts'
import type { Stage } from './stage.ts'

/** The platforms of an image: names spelled out, `all` from the base, `local` from this machine; then whatever plugins make of them. */
export const resolvePlatforms: Stage<Bases, readonly Platform[], ImageContext> = {
  name: 'resolvePlatforms',
  async run(bases, context, { hooks }) {
    const { image } = context
    const asked: Platform[] = []
    for (const text of image.platforms) {
      if (text === 'local') asked.push(localPlatform())
      else if (text === 'all') asked.push(...(await allOf(bases, image.name)))
      else asked.push(parsePlatform(text))
    }
    const answered = await hooks.resolvePlatforms.promise(freeze(unique(asked)), context)
    const platforms = unique(answered.map(normalizePlatform))
    if (platforms.length === 0)
      throw new UsageError('PLATFORM_NONE', `image ${image.name} has no platform left to build`)
    return platforms
  },
}

async function allOf(bases: Bases, image: string): Promise<readonly Platform[]> {
  const platforms = await bases.platforms()
  if (platforms === undefined) {
    throw new UsageError(
      'PLATFORM_NONE',
      `image ${image}: "all" means the platforms of the base, and scratch has none`,
      {
        hint: 'Name the platforms.',
      },
    )
  }
  return platforms
}

/** The first of each, in order. */
function unique(platforms: readonly Platform[]): Platform[] {
  return [...new Map(platforms.map(platform => [formatPlatform(platform), platform])).values()]
}
