import { localPlatform, matchesPlatform, type Platform, parsePlatform } from '@orch/oci'

/** The operating systems that container runtimes run. */
const containerOses = new Set(['linux', 'windows', 'freebsd'])

/**
 * What `all` means on the static base: not every platform that Go has, only those that container
 * runtimes run. A platform that was asked for by name stays, whatever it is.
 * @param platforms what the request became
 * @param requested the request as it was written: platforms, `all`, `local`
 */
export function narrowAll(
  platforms: readonly Platform[],
  requested: readonly string[],
): { readonly kept: readonly Platform[]; readonly left: readonly Platform[] } {
  if (!requested.includes('all')) return { kept: platforms, left: [] }
  const named = requested
    .filter(text => text !== 'all')
    .map(text => (text === 'local' ? localPlatform() : parsePlatform(text)))
  const keep = (platform: Platform): boolean =>
    containerOses.has(platform.os) || named.some(wanted => matchesPlatform(wanted, platform))
  return { kept: platforms.filter(keep), left: platforms.filter(item => !keep(item)) }
}
