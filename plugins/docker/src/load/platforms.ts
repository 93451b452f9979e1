import {
  chooseManifest,
  formatPlatform,
  OrchError,
  type Platform,
  type PlatformManifest,
  selectPlatform,
  UsageError,
} from '@orch/oci'
import { nameForPlatform } from '../names.ts'
import type { Wanted } from '../options.ts'

/** One platform of an image, and how it is called in a store that keeps one platform a name. */
export interface Chosen extends PlatformManifest {
  readonly names: readonly string[]
}

/**
 * The platforms of an image that go into a store that keeps one platform a name: the engine's own under
 * the names themselves, every other that is asked for under names of its own. The first is the
 * engine's own, if it is among them. An image that has one platform alone keeps its names, unless platforms
 * were asked for. Throws `PLATFORM_MISSING`, `NAME_TAKEN`, `DOCKER_NAME`.
 */
export function chosenPlatforms(
  manifests: readonly PlatformManifest[],
  names: readonly string[],
  options: {
    readonly wanted: Wanted | undefined
    /** The engine's own. */
    readonly native: Platform
    readonly what: string
  },
): readonly Chosen[] {
  const { wanted = 'native', native, what } = options
  const runs = ({ platform }: Pick<PlatformManifest, 'platform'>): boolean =>
    platform.os === native.os
  const runnable = manifests.filter(runs)
  if (runnable.length === 0) throw foreign(manifests, native, what)
  const [only, ...others] = manifests
  if (options.wanted === undefined && only !== undefined && others.length === 0)
    return [{ ...only, names }]
  const own = selectPlatform(native, runnable)
  if (wanted === 'native' && own === undefined) throw notOwn(runnable, native, what)
  const chosen =
    wanted === 'all'
      ? runnable
      : (wanted === 'native' ? [native] : wanted).map(platform =>
          chooseManifest(manifests, platform, { what }),
        )
  const strangers = chosen.filter(item => !runs(item))
  if (strangers.length > 0) throw foreign(strangers, native, what)
  const isOwn = ({ platform }: PlatformManifest): boolean =>
    own !== undefined && formatPlatform(platform) === formatPlatform(own.platform)
  const unique = new Map<string, PlatformManifest>()
  for (const item of chosen) {
    const platform = formatPlatform(item.platform)
    // Of two for one platform the first counts, as everywhere.
    if (!unique.has(platform)) unique.set(platform, item)
  }
  const items = [...unique.values()].map(item => ({
    ...item,
    names: isOwn(item) ? names : names.map(name => nameForPlatform(name, item.platform)),
  }))
  refuseShared(items)
  return items.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)))
}

/** A graph driver refuses what other systems run. */
function foreign(
  manifests: readonly PlatformManifest[],
  { os }: Platform,
  what: string,
): OrchError {
  const why = `the engine runs ${os} alone: it cannot keep ${listOf(manifests)} of ${what}`
  return new OrchError('PLATFORM_MISSING', why, {
    hint: 'Load it into an engine that has containerd’s image store, or leave that platform out.',
  })
}

function notOwn(manifests: readonly PlatformManifest[], native: Platform, what: string): OrchError {
  const there = listOf(manifests)
  const why = `${what} has no ${formatPlatform(native)}, which is the engine’s own; it has ${there}`
  return new OrchError('PLATFORM_MISSING', why, {
    hint: `Say platforms=all, or which: each but the engine’s own gets a name with its platform, such as ${nameForPlatform('x:1', manifests[0]?.platform ?? native)}.`,
  })
}

function listOf(manifests: readonly PlatformManifest[]): string {
  return manifests
    .map(({ platform }) => formatPlatform(platform))
    .sort()
    .join(', ')
}

/** A name of the image may be what another of its names becomes for a platform. */
function refuseShared(items: readonly Chosen[]): void {
  const taken = new Map<string, string>()
  for (const { names, platform } of items) {
    for (const name of names) {
      const other = taken.get(name)
      taken.set(name, formatPlatform(platform))
      if (other === undefined) continue
      const why = `${name} would be both ${other} and ${formatPlatform(platform)}`
      throw new UsageError('NAME_TAKEN', why, { hint: 'Give the image other names.' })
    }
  }
}
