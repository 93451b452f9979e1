import {
  chooseManifest,
  formatPlatform,
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
  const [only, ...others] = manifests
  if (options.wanted === undefined && only !== undefined && others.length === 0)
    return [{ ...only, names }]
  const own = selectPlatform(native, manifests)
  const chosen =
    wanted === 'all'
      ? manifests.filter(({ platform }) => platform.os === native.os)
      : (wanted === 'native' ? [native] : wanted).map(platform =>
          chooseManifest(manifests, platform, { what }),
        )
  const isOwn = ({ platform }: PlatformManifest): boolean =>
    own !== undefined && formatPlatform(platform) === formatPlatform(own.platform)
  const unique = new Map(chosen.map(item => [formatPlatform(item.platform), item]))
  const items = [...unique.values()].map(item => ({
    ...item,
    names: isOwn(item) ? names : names.map(name => nameForPlatform(name, item.platform)),
  }))
  refuseShared(items)
  return items.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)))
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
