/** What an error may carry beside its message. */
export interface OrchErrorOptions {
  /** What the reader can do about it: one sentence, imperative. */
  hint?: string
  cause?: unknown
}

/**
 * An error written for a person. `code` is stable and listed in docs/errors.md; `message` says what
 * and where; `hint` says what to do. Every error that orch raises on purpose is one of these.
 */
export class OrchError extends Error {
  readonly code: string
  readonly hint: string | undefined

  constructor(code: string, message: string, options: OrchErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.hint = options.hint
  }
}

/** The call or the project file was wrong: the command exits with 2 instead of 1. */
export class UsageError extends OrchError {}

/** Anything that was thrown, as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * A value from outside, for a message: as JSON, no longer than a line or two, with control and format
 * characters written out, since a terminal would act on them.
 */
export function shown(value: unknown): string {
  const text =
    JSON.stringify(typeof value === 'string' ? value.slice(0, 300) : value) ?? 'undefined'
  const short = text.length > 310 ? `${text.slice(0, 300)}…` : text
  return short.replace(
    /[\p{Cc}\p{Cf}]/gu,
    char => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
