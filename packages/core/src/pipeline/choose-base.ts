import {
  formatPlatform,
  type Platform,
  type PlatformMatching,
  parsePlatform,
  selectPlatform,
  UsageError,
} from '@orch/oci'
import type { ImagePlan } from '../types/plan.ts'

/** The key of bases by platform that serves all others. */
const fallback = 'default'
/** No base. */
const scratch = 'scratch'

/** A base for amd64 serves amd64/v3; but the variants of arm differ in how programs are linked. */
export function baseMatching({ architecture }: Platform): PlatformMatching {
  return architecture === 'arm' ? 'strict' : 'variant'
}

/** The base that serves a platform; undefined for `scratch`. Throws `BASE_MISSING`, which lists what there is. */
export function chooseBase({ name, base }: ImagePlan, platform: Platform): string | undefined {
  if (typeof base !== 'object') return base
  const mapped = mappedPlatforms(base)
  const chosen =
    mapped.find(item => formatPlatform(item.platform) === formatPlatform(platform)) ??
    selectPlatform(platform, mapped) ??
    selectPlatform(platform, mapped, baseMatching(platform))
  const found = chosen?.base ?? (Object.hasOwn(base, fallback) ? base[fallback] : undefined)
  if (found !== undefined) return found === scratch ? undefined : found
  const there = mapped.map(item => formatPlatform(item.platform)).join(', ')
  throw new UsageError(
    'BASE_MISSING',
    `image ${name}: no base is named for ${formatPlatform(platform)}; there are bases for ${there}`,
    { hint: `Add ${formatPlatform(platform)} or default to its base, or leave the platform out.` },
  )
}

/**
 * What `all` means: the platforms of the base `of`, and those that are `named`. Undefined when `scratch`
 * serves whatever is not named, for nobody knows what that is.
 */
export function baseOfAll({ base }: ImagePlan):
  | {
      readonly of: string | undefined
      readonly named: readonly Platform[]
    }
  | undefined {
  if (base === undefined) return undefined
  if (typeof base === 'string') return { of: base, named: [] }
  const named = mappedPlatforms(base).map(item => item.platform)
  if (!Object.hasOwn(base, fallback)) return { of: undefined, named }
  return base[fallback] === scratch ? undefined : { of: base[fallback], named }
}

/** Every base of an image, each once, `scratch` left out. */
export function basesNamed({ base = scratch }: Pick<ImagePlan, 'base'>): readonly string[] {
  const named = typeof base === 'string' ? [base] : Object.values(base)
  return [...new Set(named)].filter(item => item !== scratch)
}

function mappedPlatforms(
  bases: Readonly<Record<string, string>>,
): readonly { readonly platform: Platform; readonly base: string }[] {
  return Object.entries(bases)
    .filter(([key]) => key !== fallback)
    .map(([key, base]) => ({ platform: parsePlatform(key), base }))
}
