import type { Plugin } from '@orch/core'
import type { ProjectPlugin } from '../define.ts'

/** An entry of `plugins` that is no name but, in a script, the plugin itself; its shape is not checked yet. */
export type PluginObject = Pick<Plugin, 'setup'>

/** What is loaded as a plugin. */
export type PluginEntry = ProjectPlugin | PluginObject

/** Whether an entry of `plugins` is the plugin itself. */
export function isPluginObject(entry: unknown): entry is PluginObject {
  return (
    typeof entry === 'object' &&
    entry !== null &&
    'setup' in entry &&
    typeof entry.setup === 'function'
  )
}

/** The project as its schema knows it, which is that of YAML: each plugin object stands as a name. */
export function withoutPluginObjects(project: unknown): unknown {
  const plugins = pluginsOf(project)
  if (!Array.isArray(plugins) || !plugins.some(isPluginObject)) return project
  const named = plugins.map(entry => (isPluginObject(entry) ? 'plugin object' : entry))
  return { ...Object(project), plugins: named }
}

/** What stands at `plugins`, not yet checked; undefined when nothing does. */
export function pluginsOf(project: unknown): unknown {
  return typeof project === 'object' && project !== null
    ? Reflect.get(project, 'plugins')
    : undefined
}
