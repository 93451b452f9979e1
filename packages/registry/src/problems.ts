import { isObject, type Json, parseJsonObject, shown } from '@orch/oci'

/** Errors are read so far: 1 MiB. */
const maxBytes = 1024 * 1024

/** One error of an answer (distribution-spec, error codes). */
export interface RegistryProblem {
  readonly code: string
  readonly message: string
  readonly detail: Json | undefined
}

/** The errors that the body of an answer lists; none when it is no such document. Never throws. */
export function problemsOf(bytes: Uint8Array): readonly RegistryProblem[] {
  try {
    const { errors } = parseJsonObject(bytes, 'error', maxBytes)
    return Array.isArray(errors) ? errors.flatMap(asProblem) : []
  } catch {
    return [] // most proxies answer in HTML; the status says enough
  }
}

function asProblem(value: Json): readonly RegistryProblem[] {
  if (!isObject(value)) return []
  const { code, message, detail } = value
  return [{ code: asText(code), message: asText(message), detail }]
}

function asText(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/**
 * What the first of them says, for a message: `: "DENIED: …"`, or nothing.
 * @param hide takes out what must not be shown
 */
export function wordsOf(
  [first]: readonly RegistryProblem[],
  hide: (text: string) => string,
): string {
  const text = [first?.code, first?.message].filter(part => part).join(': ')
  return text === '' ? '' : `: ${shown(hide(text))}`
}
