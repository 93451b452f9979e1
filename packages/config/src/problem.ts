import { UsageError } from '@orch/oci'

/** The way to a value in the project file: keys and list positions. */
export type Path = readonly PropertyKey[]

/** A place in a text: both count from 1, columns in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Something wrong in the project file. */
export interface Problem {
  readonly path: Path
  /** Whether the key at the end of the path is wrong, or its value. */
  readonly on: 'key' | 'value'
  /** What is wrong and what was expected, without place and path. */
  readonly message: string
  readonly hint?: string | undefined
  /** A scalar that would be right in quotes. */
  readonly unquoted?: boolean
  /** A string that would be right as the one item of a list. */
  readonly unlisted?: string
  /** Where it is, when that is known better than by the path. */
  readonly position?: Position
  /** By default `CONFIG_INVALID`. */
  readonly code?: string
  readonly cause?: unknown
}

/** A project file that was read. */
export interface Source {
  /** The file as messages name it: relative to the working directory. */
  readonly name: string
  readonly value: unknown
  /** What was found wrong while reading. */
  readonly problems: readonly Problem[]
  /** The place of a key or value; of the nearest thing around it when it is not there. */
  locate(path: Path, on: 'key' | 'value'): Position
  /** The characters of a scalar as they stand in the file, where they can be had. */
  textOf(path: Path): string | undefined
}

/** What `configError` needs of a source. */
export type Located = Pick<Source, 'name' | 'locate' | 'textOf'>

/** `images.api.tags[0]`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w$-]+$/.test(String(step))) text += `${text === '' ? '' : '.'}${String(step)}`
    else text += `[${JSON.stringify(String(step))}]`
  }
  return text
}

/**
 * One error for all problems of a file: a line each, `file:line:column: path: message`, in the order
 * of the file. Its code is that of the first; with several problems each hint says where it belongs.
 */
export function configError(source: Located, problems: readonly Problem[]): UsageError {
  const placed = problems
    .map(problem => ({
      problem,
      at: problem.position ?? source.locate(problem.path, problem.on),
    }))
    .sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
  const lines = new Set<string>()
  const hints = new Set<string>()
  for (const { problem, at } of placed) {
    const path = formatPath(problem.path)
    const where = `${at.line}:${at.column}`
    lines.add(`${source.name}:${where}: ${path === '' ? '' : `${path}: `}${problem.message}`)
    const hint = hintOf(problem, source)
    if (hint !== undefined) hints.add(problems.length === 1 ? hint : `${where}: ${hint}`)
  }
  const [first] = placed
  return new UsageError(first?.problem.code ?? 'CONFIG_INVALID', [...lines].join('\n'), {
    ...(hints.size === 0 ? {} : { hint: [...hints].join('\n') }),
    ...(first?.problem.cause === undefined ? {} : { cause: first.problem.cause }),
  })
}

function hintOf(problem: Problem, source: Located): string | undefined {
  const { hint, path, unlisted, unquoted } = problem
  if (hint !== undefined) return hint
  const text = source.textOf(path)
  if (unlisted !== undefined) return `Write it as a list: [${listItem(text, unlisted)}]`
  if (unquoted !== true) return undefined
  return text === undefined ? 'Write it as a string.' : `Put it in quotes: ${JSON.stringify(text)}`
}

/** A string as it would stand in a list: bare where YAML takes it as it is, in quotes otherwise and in scripts. */
function listItem(text: string | undefined, value: string): string {
  const bare = /^(?!(?:true|false|null)$)(?:\.{0,2}\/|[a-z])[\w./:@+-]*(?<!:)$/i
  return text !== undefined && bare.test(text) ? text : JSON.stringify(text ?? value)
}
