import {
  isObject,
  type Json,
  messageOf,
  OrchError,
  parseJsonObject,
  redact,
  shown,
} from '@orch/oci'
import type { RegistryResponse } from '../transport/types.ts'
import { pause } from './patience.ts'

/** Error bodies are read so far. */
const maxErrorBytes = 1024 * 1024
/** What is not needed of a body is read so far, to keep the connection. */
const maxDiscarded = 64 * 1024

/** One error of a registry's answer (distribution-spec, error codes). */
export interface RegistryError {
  readonly code: string
  readonly message: string
  readonly detail: Json | undefined
}

/** The registry refused a request: `REGISTRY_REFUSED` unless its kind has a code of its own. */
export class RefusedError extends OrchError {
  readonly status: number
  readonly errors: readonly RegistryError[]

  constructor(what: string, status: number, errors: readonly RegistryError[]) {
    super('REGISTRY_REFUSED', `${what}: the registry answered ${status}${told(errors)}`)
    this.status = status
    this.errors = errors
  }

  /** Whether the registry gave one of these reasons. */
  says(...codes: readonly string[]): boolean {
    return this.errors.some(error => codes.includes(error.code))
  }
}

function told(errors: readonly RegistryError[]): string {
  const [first] = errors
  if (first === undefined) return ''
  return `: ${redact(shown([first.code, first.message].filter(text => text !== '').join(': ')))}`
}

/** Reads why a request was refused. What cannot be read counts as no reason given. */
export async function refusal(what: string, response: RegistryResponse): Promise<RefusedError> {
  return new RefusedError(what, response.status, await errorsOf(response))
}

async function errorsOf(response: RegistryResponse): Promise<readonly RegistryError[]> {
  try {
    const { errors } = parseJsonObject(
      await bodyBytes(response, maxErrorBytes, 'error'),
      'error',
      maxErrorBytes,
    )
    return Array.isArray(errors) ? errors.flatMap(asError) : []
  } catch {
    return [] // most proxies answer in HTML; the status says enough
  }
}

function asError(value: Json): readonly RegistryError[] {
  if (!isObject(value)) return []
  const { code, message, detail } = value
  return [
    {
      code: typeof code === 'string' ? code : '',
      message: typeof message === 'string' ? message : '',
      detail,
    },
  ]
}

/** The registry's answer breaks the protocol. */
export function brokenAnswer(what: string, why: string): OrchError {
  return new OrchError('REGISTRY_ANSWER_INVALID', `${what}: ${why}`, {
    hint: 'Check that the address is a registry, and that no proxy changes its answers.',
  })
}

/** The whole body. Throws `REGISTRY_ANSWER_INVALID` when there is more than `limit`, and what the connection throws. */
async function bodyBytes(
  response: RegistryResponse,
  limit: number,
  what: string,
): Promise<Uint8Array> {
  const tooLong = (): OrchError => brokenAnswer(what, `the answer is longer than ${limit} bytes`)
  if (Number(response.headers['content-length'] ?? 0) > limit) {
    drop(response)
    throw tooLong()
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > limit) throw tooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const tries = 4

/**
 * Sends a request for something small and reads it whole, again when the connection breaks off. An
 * answer without success has no bytes here; its body is yet to be read. Throws `REGISTRY_UNREACHABLE`,
 * `REGISTRY_ANSWER_INVALID` above `limit` bytes.
 */
export async function askWhole(
  send: () => Promise<RegistryResponse>,
  what: string,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly response: RegistryResponse; readonly bytes: Uint8Array }> {
  for (let failures = 1; ; failures++) {
    const response = await send()
    if (response.status !== 200) return { response, bytes: new Uint8Array() }
    try {
      return { response, bytes: await bodyBytes(response, limit, what) }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof OrchError && error.code === 'REGISTRY_ANSWER_INVALID') throw error
      if (failures === tries) throw brokenOff(what, error)
    }
    await pause(Math.random() * 100 * 2 ** failures, signal)
  }
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

/** Ends an answer whose body is unwanted, and with it the connection. */
export function drop({ body }: RegistryResponse): void {
  body.on('error', () => {}) // what destroying it raises
  body.destroy()
}

/** Lets go of a body that nobody wants; a short one is read, which keeps the connection. */
export async function discard({ body }: RegistryResponse): Promise<void> {
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength
      if (size > maxDiscarded) break
    }
  } catch {
    // The answer was had; how its body ends changes nothing.
  }
}
