import { UsageError } from '@orch/oci'

/** What the operator allowed by `--allow`. */
export type Allowed = ReadonlySet<string>

/**
 * Throws `GO_FLAG_REFUSED` unless the operator allowed the flag by its name or by `go-flags`.
 * @param shown the flag as messages show it and as `--allow` takes it, such as `-toolexec`
 */
export function refuseFlag(where: string, shown: string, allowed: Allowed): void {
  if (allowed.has(shown) || allowed.has('go-flags')) return
  throw new UsageError('GO_FLAG_REFUSED', `${where}: ${shown} is refused`, {
    hint:
      'A project file alone may not ask for flags that can run programs or reach files. ' +
      `If you trust it, allow this one with --allow=${shown}, or all of them with --allow=go-flags.`,
  })
}
