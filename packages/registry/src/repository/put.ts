import {
  type Digest,
  digestOf,
  digestParts,
  isDigest,
  OrchError,
  type OrchErrorOptions,
} from '@orch/oci'
import { discard } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import { brokenAnswer, type RefusedError, refusal } from './answer.ts'
import { ask, type Context, fullName, manifestTarget, pushScope } from './context.ts'
import { find, resolve } from './documents.ts'
import { pause } from './patience.ts'

/** What is put: a manifest or an index. */
export interface PutDocument {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

/** A document was refused because the registry lacks what it names. */
export class BlobUnknownError extends OrchError {
  /** What it lacks, as far as it told: pushed again, it is sent whatever the registry says of it. */
  readonly digests: readonly Digest[]

  constructor(message: string, digests: readonly Digest[], options: OrchErrorOptions) {
    super('REGISTRY_BLOB_UNKNOWN', message, options)
    this.digests = digests
  }
}

/**
 * Puts a document under each tag, or by its digest, and reads it back. Gives the answer to the last PUT.
 * Throws `REGISTRY_BLOB_UNKNOWN`, `REGISTRY_REFUSED`, `REGISTRY_ANSWER_INVALID` when the registry has
 * something else afterwards.
 */
export async function putDocument(
  context: Context,
  document: PutDocument,
  tags: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ readonly digest: Digest; readonly response: RegistryResponse }> {
  const digest = digestOf(document.bytes)
  const [first = digest, ...others] = tags
  let response = await putUnder(context, document, first, digest, signal)
  for (const tag of others) response = await putUnder(context, document, tag, digest, signal)
  await readBack(context, digest, signal)
  return { digest, response }
}

async function putUnder(
  context: Context,
  { bytes, mediaType }: PutDocument,
  reference: string,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<RegistryResponse> {
  const response = await sendDocument(context, { bytes, mediaType }, reference, {}, signal)
  const what = fullName(context, reference)
  if (response.status < 200 || response.status > 299)
    throw explained(context, await refusal(what, response), bytes)
  await discard(response)
  const { 'docker-content-digest': told } = response.headers
  const stored =
    told ?? (await resolve(context, reference, { signal, mirrored: false }))?.descriptor.digest
  if (stored === digest || (told !== undefined && isSame(told, bytes))) return response
  throw brokenAnswer(what, `the registry has ${stored ?? 'nothing'} there, not ${digest}`)
}

/** A registry may name the document by the digest of another algorithm. */
function isSame(told: string, bytes: Uint8Array): boolean {
  return isDigest(told) && digestOf(bytes, digestParts(told).algorithm) === told
}

/** One PUT of a document, whatever the answer. */
export function sendDocument(
  context: Context,
  { bytes, mediaType }: PutDocument,
  reference: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<RegistryResponse> {
  return ask(context, {
    method: 'PUT',
    target: manifestTarget(context, reference),
    headers: { 'content-type': mediaType, ...headers },
    body: { length: bytes.byteLength, open: () => bytes },
    scopes: [pushScope(context.path)],
    isRepeatable: true,
    signal,
  })
}

const digestGrammar = /sha(?:256|512):[0-9a-f]+/g
const unknown = ['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN']

/** The refusal, or what it means when the registry lacks children: then nothing it said of them is believed. */
function explained(
  { holdings, ...context }: Context,
  refused: RefusedError,
  bytes: Uint8Array,
): OrchError {
  if (!refused.says(...unknown)) return refused
  const document = new TextDecoder().decode(bytes)
  const told = JSON.stringify(refused.problems).match(digestGrammar) ?? []
  const digests = [...new Set(told)].filter(isDigest).filter(digest => document.includes(digest))
  // Without a word of which, it may be any that the document names.
  const named = [...(document.match(digestGrammar) ?? [])].filter(isDigest)
  for (const digest of digests.length === 0 ? named : digests) holdings.doubt(digest, context.path)
  return new BlobUnknownError(
    `${refused.message}${digests.length === 0 ? '' : ` (it lacks ${digests.join(', ')})`}`,
    digests,
    { hint: 'Push again: what the registry lacks is sent anew.', cause: refused },
  )
}

const readBacks = 5

/** Reads a document back, whose digest is verified; some registries need a moment. */
async function readBack(
  context: Context,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let tries = 1; tries <= readBacks; tries++) {
    if ((await find(context, digest, { signal, mirrored: false })) !== undefined) return
    await pause(100 * 2 ** tries, signal)
  }
  throw brokenAnswer(fullName(context, digest), 'the registry took it, but does not have it')
}
