import { pathToFileURL } from 'node:url'
import { messageOf } from '@orch/oci'
import { configError, type Path, type Position, type Source } from '../problem.ts'
import type { Environment } from './interpolate.ts'
import { scriptFailure } from './script-failure.ts'

const start: Position = { line: 1, column: 1 }

/**
 * Runs a project file that is a module, by Node's own import, and takes its default export: an object,
 * or a function of `{env}` that returns one, at once or later. Throws `CONFIG_LOAD_FAILED` when the
 * module or the function fails, `CONFIG_INVALID` when there is no default export.
 * @param file the absolute path
 * @param text the module's text, in which positions are looked for
 */
export async function readScript(
  file: string,
  text: string,
  name: string,
  env: Environment,
): Promise<Source> {
  const searched = withoutComments(text)
  const located = {
    name,
    locate: (path: Path) => locate(searched, path),
    textOf: () => undefined,
  }
  let value: unknown
  let hasDefault: boolean
  try {
    const module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown }
    hasDefault = 'default' in module
    value = typeof module.default === 'function' ? await module.default({ env }) : module.default
  } catch (cause) {
    const { message: why, hint } = scriptFailure(file, cause)
    const message = `could not be run: ${why}`
    const position = positionIn(file, cause) ?? start
    // A report shows the cause's words too: where they were cut it would bring them back.
    const told = why === messageOf(cause) ? { cause } : {}
    throw configError(located, [
      { path: [], on: 'value', position, message, hint, code: 'CONFIG_LOAD_FAILED', ...told },
    ])
  }
  if (!hasDefault) {
    const message = 'has no default export; expected the project, or a function that returns it'
    throw configError(located, [
      { path: [], on: 'value', message, hint: 'export default { images: { … } }' },
    ])
  }
  return { ...located, value: value ?? null, problems: [] }
}

/** Where in the file an error came from, by its stack: `file:line[:column]`. */
function positionIn(file: string, error: unknown): Position | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  for (const known of [pathToFileURL(file).href, file]) {
    const at = stack.indexOf(`${known}:`)
    const [, line, column] =
      /^:(\d+)(?::(\d+))?/.exec(at === -1 ? '' : stack.slice(at + known.length)) ?? []
    if (line !== undefined) return { line: Number(line), column: Number(column ?? 1) }
  }
  return undefined
}

/** The same text with comments blanked, so that every place stays where it was. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, comment => comment.replace(/[^\n]/g, ' '))
}

/** The key nearest to the end of the path that is found by following the path's keys through the text. */
function locate(text: string, path: Path): Position {
  let found = 0
  let from = 0
  for (const step of path) {
    if (typeof step !== 'string') continue
    const key = step.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    const pattern = new RegExp(`(?<![\\w$.])(['"]?)${key}\\1\\s*:`, 'g')
    pattern.lastIndex = from
    const match = pattern.exec(text)
    if (match === null) break
    found = match.index
    from = pattern.lastIndex
  }
  const before = text.slice(0, found)
  return { line: before.split('\n').length, column: found - before.lastIndexOf('\n') }
}
