import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, relative } from 'node:path'
import type { Plan, Plugin, Settings } from '@orch/core'
import { messageOf, UsageError } from '@orch/oci'
import { findProjectFile } from './find.ts'
import { loadPlugins } from './plugins/load.ts'
import {
  isPluginObject,
  type PluginEntry,
  pluginsOf,
  withoutPluginObjects,
} from './plugins/objects.ts'
import { pluginSet } from './plugins/tables.ts'
import { configError, type Path, type Problem, type Source } from './problem.ts'
import { type Checked, check } from './schema/check.ts'
import { type CheckedConfig, checkConfig } from './schema/config.ts'
import { pluginEntries } from './schema/core.ts'
import { planFor, type Selection } from './select.ts'
import type { Environment } from './source/interpolate.ts'
import { readScript } from './source/script.ts'
import { readYaml } from './source/yaml.ts'

export interface ProjectOptions {
  /** Where the search for the project file begins; messages name files relative to it. */
  readonly cwd: string
  /** The project file, relative to `cwd`, instead of a search. */
  readonly file?: string | undefined
  /** The plugins that come with orch. */
  readonly builtins: readonly Plugin[]
  /** What `${NAME}` reads, and what the function of `orch.config.ts` is handed. */
  readonly env: Environment
}

/** A project file that was read, with its plugins, and found right. */
export interface Project {
  /** The project file, absolute. */
  readonly file: string
  /** Its folder: where relative paths in it start. */
  readonly root: string
  /** The built-in plugins, then the project's own in the order of the file. */
  readonly plugins: readonly Plugin[]
  readonly config: CheckedConfig
  /** What plugins are told, for `createOrch`. */
  readonly settings: Settings
  /** The plan for what the command line selects, frozen. Its errors are those of `planFor`. */
  toPlan(selection?: Selection): Promise<Plan>
}

/**
 * Finds, reads and checks the project file, and loads its plugins. Throws a `UsageError`:
 * `CONFIG_NOT_FOUND`, `CONFIG_AMBIGUOUS`, `CONFIG_UNREADABLE`, `CONFIG_LOAD_FAILED`, `CONFIG_INVALID`
 * (syntax, variables and schema; every problem with file, line and column), `PLUGIN_LOAD_FAILED`,
 * `PLUGIN_INVALID`, `EXPORTER_UNKNOWN`.
 */
export async function loadProject({
  cwd,
  file: named,
  builtins,
  env,
}: ProjectOptions): Promise<Project> {
  const file = await findProjectFile(cwd, named)
  const root = dirname(file)
  const name = relative(cwd, file)
  const source = await readSource(file, name, env)
  const set = pluginSet(builtins)
  const value = withoutPluginObjects(source.value)
  const checkedEntries = await checkPlugins(pluginsOf(source.value), pluginsOf(value))
  // With a plugin missing, keys that are its own would be called unknown: stop here.
  const pluginProblems = checkedEntries.ok
    ? await loadPlugins(checkedEntries.value, root, set)
    : checkedEntries.problems
  if (pluginProblems.length > 0) throw failure(source, pluginProblems)
  const checked = await checkConfig(value, set.tables)
  if (!checked.ok || source.problems.length > 0)
    throw failure(source, checked.ok ? [] : checked.problems)
  const { plugins, tables } = set
  const config = checked.value
  return {
    file,
    root,
    plugins,
    config,
    settings: { values: config.settings, root },
    toPlan: (selection = {}) => planFor({ root, file, name, config, tables, plugins }, selection),
  }
}

async function readSource(file: string, name: string, env: Environment): Promise<Source> {
  const extension = extname(file)
  const yaml = ['.yaml', '.yml', '.json'].includes(extension)
  if (!yaml && !['.ts', '.mts', '.js', '.mjs'].includes(extension)) {
    throw new UsageError(
      'CONFIG_UNREADABLE',
      `${name} is not a kind of file that can be a project file`,
      {
        hint: `Rename ${basename(file)}: .yaml, .yml, .json, .ts, .mts, .js and .mjs are read.`,
      },
    )
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (cause) {
    throw new UsageError('CONFIG_UNREADABLE', `${name} cannot be read: ${messageOf(cause)}`, {
      hint: 'Make it a file that you may read, in UTF-8.',
      cause,
    })
  }
  return yaml ? readYaml(text, name, env) : readScript(file, text, name, env)
}

/** Checks the entries that name plugins; those that are plugins stay what they are. */
async function checkPlugins(
  written: unknown,
  named: unknown = [],
): Promise<Checked<readonly PluginEntry[]>> {
  const checked = await check(pluginEntries, named, ['plugins'])
  if (!checked.ok || !Array.isArray(written)) return checked
  const entries: readonly unknown[] = written
  const value = checked.value.map((entry, at) => {
    const found = entries[at]
    return isPluginObject(found) ? found : entry
  })
  return { ok: true, value }
}

/** One error of what reading found and what checking found, but for what follows from the former. */
function failure(source: Source, found: readonly Problem[]): UsageError {
  const follows = ({ path }: Problem): boolean =>
    source.problems.some(problem => isWithin(path, problem.path))
  return configError(source, [...source.problems, ...found.filter(problem => !follows(problem))])
}

function isWithin(path: Path, around: Path): boolean {
  return around.every((step, at) => path[at] === step)
}
