import { formatPlatform } from '@orch/oci'
import { GoBuildError, GoFailure, type GoPlace } from '../errors.ts'
import type { Settings } from '../settings/settings.ts'
import { listPackages } from './list.ts'
import { namedCommand } from './named.ts'
import type { GoContext } from './request.ts'

/**
 * Has the go command bring into its module cache what one command needs for one platform: it downloads
 * the modules of the packages that it lists, and only those. A module that cannot be had is the error
 * `GO_LIST_FAILED` with the go command's own words.
 * @param name the command, as the project file names it
 */
export async function fetchModules(
  name: string,
  settings: Settings,
  place: GoPlace,
  context: GoContext,
): Promise<void> {
  const { image, platform } = place
  const shown = { image, platform: formatPlatform(platform) }
  try {
    const listing = await context.limits.cpu(() => listPackages([name], settings, context, shown))
    namedCommand(listing, name, settings.dir, `image ${image}`)
    const errors = [...listing.packages.values()].flatMap(({ ImportPath, Error: error }) =>
      error === undefined ? [] : `${ImportPath}: ${error.Err}`,
    )
    if (errors.length === 0) return
    throw new GoFailure('GO_LIST_FAILED', 'go list', errors.join('\n'))
  } catch (error) {
    throw error instanceof GoFailure ? new GoBuildError(place, error) : error
  }
}
