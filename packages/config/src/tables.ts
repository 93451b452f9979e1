import type { OptionsSchema } from '@orch/core'

/** What the plugins add to the project file, by key. */
export interface Tables {
  readonly builders: ReadonlyMap<string, OptionsSchema>
  readonly exporters: ReadonlyMap<string, OptionsSchema>
  readonly imageKeys: ReadonlyMap<string, OptionsSchema>
  readonly projectKeys: ReadonlyMap<string, OptionsSchema>
}
