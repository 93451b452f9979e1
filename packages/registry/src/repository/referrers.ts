import {
  type Descriptor,
  type Digest,
  digestParts,
  maxDocumentBytes,
  mediaTypes,
  OrchError,
  parseIndex,
} from '@orch/oci'
import { discard } from '../transport/bodies.ts'
import { type Context, fullName, pullScope } from './context.ts'
import { find } from './documents.ts'
import { pages } from './pages.ts'

/**
 * `Repository.referrers`: what the API lists and what the fallback tag lists, each once. Throws
 * `REGISTRY_BROKEN` when the API fails and there is no such tag: then nobody knows what there is.
 */
export async function referrers(
  context: Context,
  digest: Digest,
  options: { readonly artifactType?: string; readonly signal?: AbortSignal | undefined },
): Promise<readonly Descriptor[]> {
  const { artifactType, signal } = options
  const { listed, failure } = await fromApi(context, digest, signal)
  // What was pushed before the registry knew the API may be under the tag alone.
  const tagged = (await fallbackIndex(context, digest, signal))?.index.manifests
  if (tagged === undefined && failure?.code === 'REGISTRY_BROKEN') throw failure
  const found = [...(tagged ?? []), ...(listed ?? [])]
  const byDigest = new Map(found.map(descriptor => [descriptor.digest, descriptor]))
  return [...byDigest.values()].filter(
    descriptor => artifactType === undefined || descriptor.artifactType === artifactType,
  )
}

/**
 * What the referrers API lists (distribution-spec, listing referrers); undefined when there is no such API,
 * with the `failure` that it answered when that may mean so.
 */
export async function fromApi(
  context: Context,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<ApiAnswer> {
  try {
    return { listed: await apiReferrers(context, digest, signal) }
  } catch (error) {
    // Some answer so to what they do not know; who is really denied hears it when the tag is asked for.
    if (error instanceof OrchError && noApi.has(error.code))
      return { listed: undefined, failure: error }
    throw error
  }
}

interface ApiAnswer {
  readonly listed: readonly Descriptor[] | undefined
  readonly failure?: OrchError
}

const noApi = new Set(['REGISTRY_DENIED', 'REGISTRY_BROKEN'])

/** What refers to one image, from all pages. */
const maxReferrers = 10_000

async function apiReferrers(
  context: Context,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor[] | undefined> {
  const what = `referrers of ${fullName(context, digest)}`
  const list = {
    target: `/v2/${context.path}/referrers/${digest}`,
    scopes: [pullScope(context.path)],
    headers: { accept: mediaTypes.index },
    what,
    maxBytes: maxDocumentBytes,
  }
  const found: Descriptor[] = []
  for await (const { response, bytes } of pages(context, list, signal)) {
    // Anything else is a registry without the API, or one that answers a page for people.
    const isIndex = response.headers['content-type']?.startsWith(mediaTypes.index) === true
    if (response.status !== 200 || !isIndex) {
      if (response.status !== 200) await discard(response)
      return undefined
    }
    found.push(...parseIndex(bytes, what, mediaTypes.index).manifests)
    if (found.length > maxReferrers)
      throw new OrchError('GRAPH_TOO_LARGE', `there are more than ${maxReferrers} ${what}`)
  }
  return found
}

/** The tag that lists what refers to a digest where the API is missing (distribution-spec, referrers tag schema). */
export function fallbackTag(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest)
  return `${algorithm}-${hex.slice(0, 64)}`
}

/** The index under the fallback tag. Throws `REGISTRY_ANSWER_INVALID` when something else has this tag. */
export async function fallbackIndex(
  context: Context,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<{ readonly index: ReturnType<typeof parseIndex>; readonly etag?: string } | undefined> {
  const tag = fallbackTag(digest)
  const what = fullName(context, tag)
  const found = await find(context, tag, { signal, mirrored: false })
  if (found === undefined) return undefined
  if (found.descriptor.mediaType !== mediaTypes.index) {
    throw new OrchError(
      'REGISTRY_ANSWER_INVALID',
      `${what} is no list of referrers, but ${found.descriptor.mediaType}`,
      { hint: 'Remove this tag: its name is kept for the list of what refers to an image.' },
    )
  }
  return { ...found, index: parseIndex(found.bytes, what, mediaTypes.index) }
}
