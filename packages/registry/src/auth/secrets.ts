import { OrchError, redact, toError, UsageError } from '@orch/oci'

/** What no message may show: every password and token that this run has seen, as itself and encoded. */
export interface Secrets {
  add(...values: readonly (string | undefined)[]): void
  /** The text without them, but for short ones: those would take words and parts of digests out of ours. */
  blank(text: string): string
  /** What a server said without them, short ones too. */
  blankSaid(text: string): string
  /** As `blankSaid`, without what addresses in the text carry, and no longer than a person reads. */
  hide(text: string): string
}

/** Shorter values are blanked only where somebody else wrote the text. */
const shortest = 8
/** Blanking these would leave nothing to read, and they keep no secret. */
const shortestSaid = 3
/** Characters of what a server said. */
const longestSaid = 2000

export function createSecrets(): Secrets {
  /** Each, and whether it is long. */
  const known = new Map<string, boolean>()
  let ordered: readonly string[] = []
  let long: readonly string[] = []
  const without = (text: string, values: readonly string[]): string =>
    values.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text)
  const blankSaid = (text: string): string => without(text, ordered)
  return {
    add(...values) {
      for (const value of values) {
        if (value === undefined || value.length < shortestSaid) continue
        const forms = [
          value,
          encodeURIComponent(Buffer.from(value).toString()),
          Buffer.from(value).toString('base64'),
          JSON.stringify(value).slice(1, -1),
        ]
        for (const form of forms)
          known.set(form, known.get(form) === true || value.length >= shortest)
      }
      ordered = [...known.keys()].sort((a, b) => b.length - a.length)
      long = ordered.filter(form => known.get(form))
    },
    blank: text => without(text, long),
    blankSaid,
    // Cut at the end: the half of a secret would not be known for one.
    hide: text => redact(blankSaid(text)).slice(0, longestSaid),
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
