import { didYouMean } from '@orch/oci'

/** The environment that `${NAME}` reads. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What is wrong with a `${…}`. */
export interface InterpolationFault {
  /** The `${…}` as it stands in the text. */
  readonly found: string
  readonly message: string
  readonly hint: string
}

const token = /\$\$\{|\$\{([^}]*)(\}?)/g
const grammar = /^([A-Za-z_]\w*)(?::-(.*))?$/s

/**
 * Puts variables in place of `${NAME}` and `${NAME:-default}` (the default also serves a variable
 * that is empty, as in a shell); `$${` stands for `${`. A fault leaves its text as it was.
 */
export function interpolate(
  text: string,
  env: Environment,
): { text: string; faults: InterpolationFault[] } {
  const faults: InterpolationFault[] = []
  const replaced = text.replace(token, (found: string, inner?: string, close?: string) => {
    if (inner === undefined) return '${'
    const fault = (message: string, hint: string): string => {
      faults.push({ found, message, hint })
      return found
    }
    const literal = 'For the characters themselves write $${.'
    if (close === '') return fault(`\${ is not closed by }`, literal)
    const [, name, fallback] = grammar.exec(inner) ?? []
    if (name === undefined) {
      return fault(`${found} names no variable`, `Write \${NAME} or \${NAME:-default}. ${literal}`)
    }
    const value = env[name]
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value !== undefined) return value
    // An environment has so many names that a far one is only chance.
    const guess = didYouMean(name, Object.keys(env), 2)
    const remedy = `Set it, or give a default: \${${name}:-default}.`
    return fault(
      `the environment variable ${name} is not set`,
      guess === undefined ? remedy : `${guess} ${remedy}`,
    )
  })
  return { text: replaced, faults }
}
