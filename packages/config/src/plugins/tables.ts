import type { OptionsSchema, Plugin } from '@orch/core'
import { UsageError } from '@orch/oci'
import { coreImageKeys } from '../schema/core.ts'
import type { Tables } from '../tables.ts'

const kinds = ['builders', 'exporters', 'imageKeys'] as const
const singular = { builders: 'builder', exporters: 'exporter', imageKeys: 'image key' }

/** The plugins of a build, each checked for its shape and against those before it. */
export class PluginSet {
  readonly #plugins: Plugin[] = []
  readonly #tables = {
    builders: new Map<string, OptionsSchema>(),
    exporters: new Map<string, OptionsSchema>(),
    imageKeys: new Map<string, OptionsSchema>(),
  }
  /** Which plugin has a key, by kind and key. */
  readonly #owners = new Map<string, string>(
    coreImageKeys.map(key => [`imageKeys ${key}`, 'orch itself'] as const),
  )

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
    for (const kind of kinds) {
      for (const key of Object.keys(plugin[kind] ?? {})) {
        const owner = this.#owners.get(`${kind} ${key}`)
        if (owner !== undefined)
          return `the ${singular[kind]} ${JSON.stringify(key)} of plugin ${plugin.name} is ${owner}'s already`
      }
    }
    for (const kind of kinds) {
      for (const [key, schema] of Object.entries(plugin[kind] ?? {})) {
        this.#tables[kind].set(key, schema)
        this.#owners.set(`${kind} ${key}`, `plugin ${plugin.name}`)
      }
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

function shapeFault(value: unknown): string | undefined {
  if (!isRecord(value))
    return `expected a plugin {name, setup}, got ${value === null ? 'null' : typeof value}`
  const { name, setup } = value
  if (typeof name !== 'string' || name === '')
    return 'the plugin has no name; expected a string that is not empty'
  if (typeof setup !== 'function')
    return `plugin ${name} has no setup; expected a function of the plugin API`
  for (const kind of kinds) {
    const table = value[kind]
    if (table === undefined) continue
    if (!isRecord(table)) return `plugin ${name}: ${kind} is not a map of schemas`
    for (const [key, schema] of Object.entries(table)) {
      const standard =
        isRecord(schema) || typeof schema === 'function'
          ? Reflect.get(schema, '~standard')
          : undefined
      if (!isRecord(standard) || typeof standard['validate'] !== 'function')
        return `plugin ${name}: ${kind}.${key} is not a Standard Schema`
    }
  }
  return undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
