import { shown } from '@orch/oci'
import type { Secrets } from '../auth/secrets.ts'
import { readSmall } from './exchange.ts'
import type { RegistryResponse } from './types.ts'

/** One error of a registry's answer (distribution-spec, Error Codes). */
export interface RegistryProblem {
  readonly code: string
  readonly message: string
  readonly detail: unknown
}

/** The errors that an answer's body lists; none when it is no such document. Never throws on garbage. */
export function problemsOf(bytes: Uint8Array): readonly RegistryProblem[] {
  let document: unknown
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return []
  }
  const list = (document as { errors?: unknown } | null)?.errors
  if (!Array.isArray(list)) return []
  return list.slice(0, 100).flatMap(item => {
    const { code, message, detail } = (item ?? {}) as Record<string, unknown>
    return [{ code: asText(code), message: asText(message), detail }]
  })
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** What a registry said about its refusal, for a message: `: "denied: …"`, or nothing. */
export async function said(response: RegistryResponse, secrets: Secrets): Promise<string> {
  const [first] = problemsOf(await readSmall(response.body, 'cut').catch(() => Buffer.alloc(0)))
  const text = [first?.code.toLowerCase(), first?.message].filter(part => part).join(': ')
  return text === '' ? '' : `: ${shown(secrets.hide(text))}`
}
