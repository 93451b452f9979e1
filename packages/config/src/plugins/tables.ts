import type { OptionsSchema, Plugin } from '@orch/core'
import { UsageError } from '@orch/oci'
import { coreImageKeys, coreProjectKeys } from '../schema/core.ts'
import type { Tables } from '../tables.ts'
import { functionTables, schemaTables, shapeFault } from './shape.ts'

const kinds = [...schemaTables, ...functionTables]
const singular: Readonly<Record<(typeof kinds)[number], string>> = {
  builders: 'builder',
  exporters: 'exporter',
  imageKeys: 'image key',
  projectKeys: 'project key',
  destinations: 'destination',
  runtimes: 'runtime',
}

/** The plugins of a build, each checked for its shape and against those before it. */
export class PluginSet {
  readonly #plugins: Plugin[] = []
  readonly #tables = {
    builders: new Map<string, OptionsSchema>(),
    exporters: new Map<string, OptionsSchema>(),
    imageKeys: new Map<string, OptionsSchema>(),
    projectKeys: new Map<string, OptionsSchema>(),
  }
  /** Which plugin has a key, by kind and key. */
  readonly #owners = new Map<string, string>([
    ...coreImageKeys.map(key => [`imageKeys ${key}`, 'orch itself'] as const),
    ...coreProjectKeys.map(key => [`projectKeys ${key}`, 'orch itself'] as const),
  ])

  get plugins(): readonly Plugin[] {
    return this.#plugins
  }

  get tables(): Tables {
    return this.#tables
  }

  /** Takes a plugin in, or says why it cannot be; then nothing of it is kept. */
  add(value: unknown): string | undefined {
    const fault = shapeFault(value)
    if (fault !== undefined) return fault
    const plugin = value as Plugin
    if (this.#plugins.some(({ name }) => name === plugin.name))
      return `there is already a plugin named ${JSON.stringify(plugin.name)}`
    const keys = kinds.flatMap(kind => Object.keys(plugin[kind] ?? {}).map(key => ({ kind, key })))
    for (const { kind, key } of keys) {
      const owner = this.#owners.get(`${kind} ${key}`)
      if (owner !== undefined)
        return `the ${singular[kind]} ${JSON.stringify(key)} of plugin ${plugin.name} is ${owner}'s already`
    }
    for (const { kind, key } of keys) this.#owners.set(`${kind} ${key}`, `plugin ${plugin.name}`)
    for (const kind of schemaTables) {
      for (const [key, schema] of Object.entries(plugin[kind] ?? {}))
        this.#tables[kind].set(key, schema)
    }
    this.#plugins.push(plugin)
    return undefined
  }
}

/** The set of plugins that come with orch. Throws `PLUGIN_INVALID`. */
export function pluginSet(plugins: readonly Plugin[]): PluginSet {
  const set = new PluginSet()
  for (const plugin of plugins) {
    const fault = set.add(plugin)
    if (fault !== undefined) throw new UsageError('PLUGIN_INVALID', fault)
  }
  return set
}
