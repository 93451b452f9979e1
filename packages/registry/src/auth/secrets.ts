import { OrchError, redact, toError, UsageError } from '@orch/oci'

/** What no message may show: every password and token that this run has seen, as itself and encoded. */
export interface Secrets {
  add(...values: readonly (string | undefined)[]): void
  /** The text without them. */
  blank(text: string): string
  /** As `blank`, and without what addresses in the text carry. */
  hide(text: string): string
}

/** Shorter values would blank out ordinary words, and parts of digests. */
const shortest = 8

export function createSecrets(): Secrets {
  const known = new Set<string>()
  let ordered: readonly string[] = []
  const blank = (text: string): string => {
    let hidden = text
    for (const secret of ordered) hidden = hidden.replaceAll(secret, '***')
    return hidden
  }
  return {
    add(...values) {
      for (const value of values) {
        if (value === undefined || value.length < shortest) continue
        known.add(value)
        known.add(encodeURIComponent(Buffer.from(value).toString()))
        known.add(Buffer.from(value).toString('base64'))
        known.add(JSON.stringify(value).slice(1, -1))
      }
      ordered = [...known].sort((a, b) => b.length - a.length)
    },
    blank,
    hide: text => redact(blank(text)),
  }
}

/**
 * An error without what must not be shown, whoever put it there: a hostile registry may name a host after
 * a password. Most errors are given back as they are.
 */
export function withoutSecrets(error: unknown, secrets: Secrets): unknown {
  if (!(error instanceof OrchError)) return error
  const { code, message, hint = '', cause } = error
  const isClean = (text: string): boolean => secrets.blank(text) === text
  const isSilent = cause === undefined || isClean(`${toError(cause).stack}`)
  if (isClean(`${message}\n${hint}`) && isSilent) return error
  const options = hint === '' ? {} : { hint: secrets.blank(hint) }
  const Kind = error instanceof UsageError ? UsageError : OrchError
  return new Kind(code, secrets.blank(message), options)
}
