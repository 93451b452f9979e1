import { discard } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import { refusal } from './answer.ts'
import { ask, type Context, pushScope } from './context.ts'
import { addressFrom } from './location.ts'

/** How long the end of an upload that nobody goes on with is waited for, in milliseconds. */
const farewell = 3_000

/** Where an upload stands, as the registry last told. */
export interface Session {
  /** Where to go on; good for one request. */
  readonly location: string
  /** Bytes that the registry has; undefined when it did not tell. */
  readonly held: number | undefined
  /** No chunk but the last may be smaller (OCI-Chunk-Min-Length). */
  readonly leastChunk: number
}

export function uploadsTarget({ path }: Context): string {
  return `/v2/${path}/blobs/uploads/`
}

/** Begins an upload. Throws `REGISTRY_REFUSED`. */
export async function beginSession(
  context: Context,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const response = await ask(context, {
    method: 'POST',
    target: uploadsTarget(context),
    scopes: [pushScope(context.path)],
    isRepeatable: true, // what an earlier try began is forgotten by the registry in time
    signal,
  })
  if (response.status !== 202)
    throw await refusal(`upload to ${context.domain}/${context.path}`, response)
  await discard(response)
  return startSession(context, response)
}

/** Reads the session that an answer speaks of. Throws `REGISTRY_ANSWER_INVALID` without a usable Location. */
export function startSession(context: Context, { headers, url }: RegistryResponse): Session {
  const what = `upload to ${context.domain}/${context.path}`
  const leastChunk = Number(headers['oci-chunk-min-length'])
  return {
    location: addressFrom(headers['location'], url, what, context.transport.hide),
    held: heldBytes(headers['range']),
    leastChunk: Number.isSafeInteger(leastChunk) && leastChunk > 0 ? leastChunk : 0,
  }
}

/**
 * Reads Range, which names the last byte that the registry has: `0-1023`. Distribution says `0-0` for
 * none; that it could also mean one byte does no harm, for the registry refuses to take that byte twice.
 */
function heldBytes(range: string | undefined): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(range ?? '')
  if (match === null) return undefined
  const last = Number(match[1])
  return last === 0 ? 0 : last + 1
}

/** Asks where an upload stands. Undefined when the registry does not know it (any more). */
export async function askSession(
  context: Context,
  location: string,
  signal: AbortSignal | undefined,
): Promise<Session | undefined> {
  const scopes = [pushScope(context.path)]
  const response = await ask(context, { method: 'GET', target: location, scopes, signal })
  await discard(response)
  const isKnown = response.status >= 200 && response.status < 300
  if (!isKnown) return undefined
  const { headers } = response
  const session = {
    ...response,
    headers: { ...headers, location: headers['location'] ?? location },
  }
  return startSession(context, session)
}

/** Ends an upload that nobody goes on with. Failures change nothing: the registry forgets it in time. */
export async function abandon(context: Context, location: string): Promise<void> {
  const request = {
    method: 'DELETE',
    target: location,
    scopes: [pushScope(context.path)],
    isRepeatable: false,
    isFarewell: true,
    signal: AbortSignal.timeout(farewell),
  } as const
  await ask(context, request).then(discard, () => {})
}
