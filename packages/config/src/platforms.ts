import { formatPlatform, parsePlatform, UsageError } from '@orch/oci'

/** One platform as a plan holds it: `all`, `local`, or normalised as containerd does. Throws `PLATFORM_INVALID`. */
export function normalizePlatformText(text: string): string {
  return text === 'all' || text === 'local' ? text : formatPlatform(parsePlatform(text))
}

/** One key of bases by platform as a plan holds it: `default`, or a platform. Throws `PLATFORM_INVALID`. */
export function normalizeBaseKey(text: string): string {
  return text === 'default' ? text : formatPlatform(parsePlatform(text))
}

/**
 * The platforms that `--platform` asks for: each value is a comma list, values add up, what is there
 * twice counts once. Throws `PLATFORM_INVALID`.
 */
export function parsePlatforms(values: readonly string[]): string[] {
  const platforms = values.flatMap(value =>
    value.split(',').map(item => {
      const text = item.trim()
      if (text !== '') return normalizePlatformText(text)
      throw new UsageError('PLATFORM_INVALID', `${JSON.stringify(value)} holds an empty platform`, {
        hint: 'Write a comma list such as linux/amd64,linux/arm64, or all, or local.',
      })
    }),
  )
  return [...new Set(platforms)]
}
