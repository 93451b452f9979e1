import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { messageOf } from '@orch/oci'
import { resolve as resolveModule } from 'import-meta-resolve'
import type { Path, Problem } from '../problem.ts'
import { isPluginObject, type PluginEntry } from './objects.ts'
import type { PluginSet } from './tables.ts'

const packageName = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*(?:\/[\w./~-]+)?$/

/**
 * Loads the plugins of a project file into `set`, in their order. What cannot be loaded is a problem
 * with code `PLUGIN_LOAD_FAILED` or `PLUGIN_INVALID`.
 * @param root the project folder, where paths and package names start from
 */
export async function loadPlugins(
  entries: readonly PluginEntry[],
  root: string,
  set: PluginSet,
): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const [at, entry] of entries.entries()) {
    if (isPluginObject(entry)) {
      const message = set.add(entry)
      if (message !== undefined)
        problems.push(
          problemAt(['plugins', at], { code: 'PLUGIN_INVALID', message, hint: objectHint }),
        )
      continue
    }
    const { use, options } = typeof entry === 'string' ? { use: entry } : entry
    const path: Path = ['plugins', at, ...(typeof entry === 'string' ? [] : ['use'])]
    const loaded = await load(use, options, root)
    if ('plugin' in loaded) {
      const fault = set.add(loaded.plugin)
      if (fault !== undefined) problems.push(problemAt(path, invalid(use, fault)))
    } else problems.push(problemAt(path, loaded))
  }
  return problems
}

const objectHint = 'A plugin is an object {name, setup(api) {…}}.'

type Failure = Pick<Problem, 'code' | 'message' | 'hint' | 'cause'>

function problemAt(path: Path, failure: Failure): Problem {
  return { path, on: 'value', ...failure }
}

function invalid(use: string, why: string): Failure {
  return {
    code: 'PLUGIN_INVALID',
    message: `${use}: ${why}`,
    hint: 'A plugin file has a default export: {name, setup(api) {…}}, or a function of its options that returns that.',
  }
}

function failed(use: string, why: string, cause: unknown, hint?: string): Failure {
  return { code: 'PLUGIN_LOAD_FAILED', message: `${use} cannot be loaded: ${why}`, cause, hint }
}

async function load(
  use: string,
  options: unknown,
  root: string,
): Promise<{ readonly plugin: unknown } | Failure> {
  const isPath = use.startsWith('.') || isAbsolute(use)
  if (!isPath && !packageName.test(use))
    return invalid(use, 'expected a path that starts with ./ or ../ or /, or the name of a package')
  let url: string
  try {
    url = isPath
      ? pathToFileURL(resolve(root, use)).href
      : resolveModule(use, pathToFileURL(join(root, 'orch.yaml')).href)
  } catch (cause) {
    return failed(
      use,
      messageOf(cause),
      cause,
      'Install it where the project file is, or name a file with ./.',
    )
  }
  let exported: unknown
  try {
    const module = (await import(url)) as Readonly<Record<string, unknown>>
    if (!('default' in module)) return invalid(use, 'it has no default export')
    exported = module['default']
  } catch (cause) {
    // Node names the importer: of no use to the reader when it is orch itself, and then the plugin is what is missing.
    const [why = '', ...orchItself] = messageOf(cause).split(
      ` imported from ${fileURLToPath(import.meta.url)}`,
    )
    const hint =
      orchItself.length > 0
        ? 'Paths of plugins start at the folder of the project file.'
        : undefined
    return failed(use, why, cause, hint)
  }
  if (typeof exported !== 'function') {
    return options === undefined || options === null
      ? { plugin: exported }
      : invalid(use, 'it takes no options: its default export is not a function')
  }
  try {
    return { plugin: await exported(options ?? undefined) }
  } catch (cause) {
    return failed(use, `its function failed: ${messageOf(cause)}`, cause)
  }
}
