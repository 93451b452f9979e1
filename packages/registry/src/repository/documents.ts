import {
  type Descriptor,
  digestOf,
  digestParts,
  isDigest,
  isDocumentType,
  isIndexType,
  maxDocumentBytes,
  mediaTypes,
  OrchError,
  parseIndex,
  parseManifest,
  shown,
} from '@orch/oci'
import { discard } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import type { RemoteDocument, Resolved } from '../types.ts'
import { brokenAnswer, refusal } from './answer.ts'
import { askWhole } from './ask-whole.ts'
import { ask, type Context, fullName, manifestTarget } from './context.ts'

const accept = [
  mediaTypes.index,
  mediaTypes.manifest,
  mediaTypes.dockerIndex,
  mediaTypes.dockerManifest,
].join(', ')

interface Where {
  readonly signal?: AbortSignal | undefined
  /** Whether mirrors may answer; so by default. */
  readonly mirrored?: boolean
}

/** `Repository.resolve`. */
export async function resolve(
  context: Context,
  reference: string,
  { signal, mirrored = true }: Where = {},
): Promise<Resolved | undefined> {
  const target = manifestTarget(context, reference)
  const headers = { accept }
  const response = await ask(context, { method: 'HEAD', target, headers, mirrored, signal })
  await discard(response)
  if (response.status === 404) return undefined
  const descriptor = response.status === 200 ? fromHeaders(response, reference) : undefined
  if (descriptor !== undefined) return { descriptor }
  const found = await find(context, reference, { signal, mirrored })
  return found && { descriptor: found.descriptor }
}

/** What HEAD says, when it says enough and does not contradict what was asked for. */
function fromHeaders({ headers }: RegistryResponse, reference: string): Descriptor | undefined {
  const digest = headers['docker-content-digest'] ?? reference
  const size = Number(headers['content-length'])
  const mediaType = contentType(headers)
  if (!isDigest(digest) || (isDigest(reference) && digest !== reference)) return undefined
  if (!(size > 0 && size <= maxDocumentBytes) || !isDocumentType(mediaType)) return undefined
  return { mediaType, digest, size }
}

/** `Repository.document`. */
export async function document(
  context: Context,
  reference: string,
  where: Where = {},
): Promise<RemoteDocument> {
  const found = await find(context, reference, where)
  if (found !== undefined) return found
  throw new OrchError('REGISTRY_NOT_FOUND', `${fullName(context, reference)} is not there`, {
    hint: 'Check name and tag; some registries also say so to those who are not logged in.',
  })
}

/** A manifest or index, or undefined when there is none. */
export async function find(
  context: Context,
  reference: string,
  { signal, mirrored = true }: Where,
): Promise<(RemoteDocument & { readonly etag?: string }) | undefined> {
  const what = fullName(context, reference)
  const target = manifestTarget(context, reference)
  const headers = { accept }
  const { response, bytes } = await askWhole(
    () => ask(context, { method: 'GET', target, headers, mirrored, signal }),
    what,
    maxDocumentBytes,
    signal,
  )
  if (response.status === 404) {
    await discard(response)
    return undefined
  }
  if (response.status !== 200) throw await refusal(what, response)
  const descriptor = verified(what, reference, bytes, response)
  const { etag } = response.headers
  return { descriptor, bytes, ...(etag === undefined ? {} : { etag }) }
}

/** Checks a document against what was asked for, and against what the registry says it is. */
function verified(
  what: string,
  reference: string,
  bytes: Uint8Array,
  { headers }: RegistryResponse,
): Descriptor {
  const said = headers['docker-content-digest'] ?? ''
  const expected = isDigest(reference) ? reference : isDigest(said) ? said : undefined
  const digest = digestOf(bytes, expected && digestParts(expected).algorithm)
  if (expected !== undefined && digest !== expected) {
    throw new OrchError('BLOB_CORRUPT', `${what} came with the digest ${digest}, not ${expected}`, {
      hint: 'The registry, or a proxy before it, is damaged or lies.',
    })
  }
  const mediaType = contentType(headers)
  if (!isDocumentType(mediaType))
    throw brokenAnswer(what, `it is served as ${shown(mediaType)}, neither an image nor an index`)
  if (isIndexType(mediaType)) parseIndex(bytes, what, mediaType)
  else parseManifest(bytes, what, mediaType)
  return { mediaType, digest, size: bytes.byteLength }
}

function contentType(headers: RegistryResponse['headers']): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? ''
}
