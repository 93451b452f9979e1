import { messageOf } from '@orch/oci'

/** What to say of a project file that could not be run. */
export interface ScriptFailure {
  readonly message: string
  readonly hint: string
}

/**
 * Explains what importing or calling a project file threw: Node's words without the paths of orch's
 * own files, and what to do about it.
 * @param file the absolute path of the project file
 */
export function scriptFailure(file: string, cause: unknown): ScriptFailure {
  // Node guesses at files that lie near orch itself, which is nothing to import.
  const message = messageOf(cause).replace(/\nDid you mean to import "file:[^\n]*/, '')
  return { message, hint: hintFor(file, cause, message) }
}

function hintFor(file: string, cause: unknown, message: string): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return 'Node only takes the types out: use erasable syntax, without enum, namespace or parameter properties.'
  if (code === 'ERR_MODULE_NOT_FOUND') return missing(message)
  const place = syntaxPlace(cause)
  if (place === undefined) return 'The project file threw this itself: correct it there.'
  if (message.includes(' does not provide an export named '))
    return 'Correct the import; a type needs "import type".'
  return place.startsWith(`${file}:`)
    ? 'Correct the syntax at that place.'
    : `Correct the syntax at ${place}.`
}

function missing(message: string): string {
  const [, name] = /^Cannot find package '([^']*)'/.exec(message) ?? []
  if (name === undefined) return 'Correct the path; it needs its ending, as in ./images.ts.'
  return name === 'orch'
    ? 'Use "import type", which needs nothing installed, or install orch.'
    : 'Install it where the project file is.'
}

/** Where Node could not read a module, `file:line`: it stands above the stack. Undefined for what code threw. */
function syntaxPlace(cause: unknown): string | undefined {
  if (!(cause instanceof SyntaxError)) return undefined
  return /^(?:file:\/\/)?(\/.*:\d+)\n/.exec(cause.stack ?? '')?.[1]
}
