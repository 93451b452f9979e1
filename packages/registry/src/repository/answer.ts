import { messageOf, OrchError, redact } from '@orch/oci'
import { problemsOf, type RegistryProblem, wordsOf } from '../problems.ts'
import { readSmall } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'

/** The registry refused a request: `REGISTRY_REFUSED` unless its kind has a code of its own. */
export class RefusedError extends OrchError {
  readonly status: number
  readonly problems: readonly RegistryProblem[]

  constructor(what: string, status: number, problems: readonly RegistryProblem[]) {
    const words = wordsOf(problems, redact)
    super('REGISTRY_REFUSED', `${what}: the registry answered ${status}${words}`)
    this.status = status
    this.problems = problems
  }

  /** Whether the registry gave one of these reasons. */
  says(...codes: readonly string[]): boolean {
    return this.problems.some(problem => codes.includes(problem.code))
  }
}

/** Reads why a request was refused. What cannot be read counts as no reason given. */
export async function refusal(what: string, response: RegistryResponse): Promise<RefusedError> {
  const bytes = await readSmall(response.body, 'cut').catch(() => new Uint8Array())
  return new RefusedError(what, response.status, problemsOf(bytes))
}

/** The registry's answer breaks the protocol. */
export function brokenAnswer(what: string, why: string): OrchError {
  return new OrchError('REGISTRY_ANSWER_INVALID', `${what}: ${why}`, {
    hint: 'Check that the address is a registry, and that no proxy changes its answers.',
  })
}

/** The connection ended before the answer did. */
export function brokenOff(what: string, cause: unknown): OrchError {
  if (cause instanceof OrchError) return cause
  return new OrchError(
    'REGISTRY_UNREACHABLE',
    `${what}: the connection broke off again and again: ${redact(messageOf(cause))}`,
    { hint: 'Check the network and try again.', cause },
  )
}
