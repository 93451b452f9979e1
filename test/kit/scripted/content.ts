import type { Exchange } from './exchange.ts'
import type { Fields } from './faults.ts'
import { digestOf, type Memory, type StoredRepository } from './memory.ts'
import type { Quirks } from './quirks.ts'

/** GET, HEAD and DELETE of a blob. */
export function serveBlob(
  memory: Memory,
  quirks: Quirks,
  exchange: Exchange,
  repository: string,
  digest: string,
): void {
  const blobs = memory.repositories.get(repository)?.blobs
  const blob = blobs?.get(digest)
  const { method } = exchange.entry
  if (blobs === undefined || blob === undefined) exchange.refuse(404, 'BLOB_UNKNOWN')
  else if (method === 'DELETE' && quirks.noDelete === 'all') exchange.refuse(405, 'UNSUPPORTED')
  else if (method === 'DELETE') {
    blobs.delete(digest)
    exchange.answer(202)
  } else if (method === 'GET' && quirks.blobsAt !== undefined)
    exchange.answer(307, {
      location: `${quirks.blobsAt}/storage/${digest}?X-Signature=canary-signature`,
    })
  else serveBytes(quirks, exchange, blob, digest)
}

/** What registries keep elsewhere: a signed address stands for the right to it, and Authorization is one too many. */
export function serveStorage(
  memory: Memory,
  quirks: Quirks,
  exchange: Exchange,
  digest: string,
): void {
  const blob = memory.blob(digest)
  if (exchange.entry.auth !== 'none')
    exchange.refuse(400, 'INVALID_ARGUMENT', 'two ways to authenticate')
  else if (blob === undefined) exchange.refuse(404, 'BLOB_UNKNOWN')
  else serveBytes({ ...quirks, noDigest: 'always' }, exchange, blob, digest)
}

function serveBytes(quirks: Quirks, exchange: Exchange, blob: Buffer, digest: string): void {
  const headers: Fields = {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    ...digestField(quirks, exchange, digest),
  }
  const asked = /^bytes=(\d+)-(\d*)$/.exec(exchange.request.headers.range ?? '')
  if (asked === null || quirks.range === 'ignored') {
    exchange.answer(200, headers, blob)
    return
  }
  const first = quirks.range === 'wrong' ? 0 : Number(asked[1])
  const last = Math.min(
    asked[2] === '' ? Number.POSITIVE_INFINITY : Number(asked[2]),
    blob.length - 1,
  )
  if (first > last || quirks.range === 'refused') {
    exchange.refuse(416, 'RANGE_INVALID', undefined, { 'content-range': `bytes */${blob.length}` })
    return
  }
  const place = { 'content-range': `bytes ${first}-${last}/${blob.length}` }
  exchange.answer(206, { ...headers, ...place }, blob.subarray(first, last + 1))
}

/** GET, HEAD, PUT and DELETE of a manifest by tag or digest. */
export async function serveManifest(
  memory: Memory,
  quirks: Quirks,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const { method } = exchange.entry
  if (method === 'PUT') {
    await putManifest(memory.repository(name), quirks, exchange, name, reference)
    return
  }
  const repository = memory.repositories.get(name)
  const digest = repository?.tags.get(reference) ?? reference
  const manifest = repository?.manifests.get(digest)
  if (repository === undefined || manifest === undefined) exchange.refuse(404, 'MANIFEST_UNKNOWN')
  else if (method === 'DELETE') removeManifest(repository, quirks, exchange, reference)
  else {
    const type = { 'content-type': manifest.mediaType }
    const tag = quirks.etags === true ? { etag: `"${digest}"` } : {}
    const headers = { ...type, ...tag, ...digestField(quirks, exchange, digest) }
    exchange.answer(200, headers, manifest.bytes)
  }
}

async function putManifest(
  repository: StoredRepository,
  quirks: Quirks,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const parts: Buffer[] = []
  if (!(await exchange.receive(chunk => parts.push(chunk)))) return
  const bytes = Buffer.concat(parts)
  const digest = digestOf(bytes)
  const condition = exchange.request.headers['if-match']
  const isChanged = condition !== undefined && condition !== `"${repository.tags.get(reference)}"`
  const manifest = parse(bytes)
  const isTag = !reference.includes(':')
  if (bytes.length > 4 * 1024 * 1024) exchange.refuse(413, 'MANIFEST_INVALID')
  else if (manifest === undefined) exchange.refuse(400, 'MANIFEST_INVALID')
  else if (!isTag && reference !== digest) exchange.refuse(400, 'DIGEST_INVALID')
  else if (quirks.etags === true && isChanged) exchange.refuse(412, 'PRECONDITION_FAILED')
  else {
    const missing = quirks.isGullible === true ? [] : missingFrom(repository, manifest)
    if (missing.length > 0) {
      refuseUnknown(quirks, exchange, missing)
      return
    }
    const mediaType = exchange.request.headers['content-type'] ?? ''
    repository.manifests.set(digest, { mediaType, bytes })
    if (isTag) repository.tags.set(reference, digest)
    const says = quirks.announcesSubject ?? quirks.noReferrers !== true
    const subject = manifest.subject?.digest
    exchange.answer(201, {
      location: `/v2/${name}/manifests/${digest}`,
      ...(quirks.noDigest !== 'always' && { 'docker-content-digest': digest }),
      ...(says && subject !== undefined && { 'oci-subject': subject }),
    })
  }
}

/** What of a manifest or index the routes look at. */
export interface ManifestShape {
  readonly config?: { readonly digest: string; readonly mediaType?: string }
  readonly layers?: readonly { readonly digest: string; readonly urls?: readonly string[] }[]
  readonly manifests?: readonly { readonly digest: string }[]
  readonly subject?: { readonly digest: string }
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

export function parse(bytes: Buffer): ManifestShape | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function missingFrom(repository: StoredRepository, manifest: ManifestShape): string[] {
  const own = (manifest.layers ?? []).filter(layer => layer.urls === undefined)
  const blobs = [...(manifest.config ? [manifest.config] : []), ...own].map(one => one.digest)
  const children = (manifest.manifests ?? []).map(one => one.digest)
  return [
    ...blobs.filter(digest => !repository.blobs.has(digest)),
    ...children.filter(digest => !repository.manifests.has(digest)),
  ]
}

/** As distribution does it: an error for each. */
function refuseUnknown(quirks: Quirks, exchange: Exchange, digests: readonly string[]): void {
  const { unknownDetail: detail = 'bare' } = quirks
  const errors = digests.map(digest => ({
    code: 'MANIFEST_BLOB_UNKNOWN',
    message: 'blob unknown to registry',
    ...(detail !== 'none' && { detail: detail === 'bare' ? digest : { digest } }),
  }))
  exchange.answer(400, { 'content-type': 'application/json' }, JSON.stringify({ errors }))
}

function removeManifest(
  repository: StoredRepository,
  quirks: Quirks,
  exchange: Exchange,
  reference: string,
): void {
  const isTag = !reference.includes(':')
  if (quirks.noDelete === 'all' || (quirks.noDelete === 'tags' && isTag)) {
    exchange.refuse(405, 'UNSUPPORTED')
    return
  }
  if (!isTag) repository.manifests.delete(reference)
  for (const [tag, digest] of repository.tags)
    if (tag === reference || digest === reference) repository.tags.delete(tag)
  exchange.answer(202)
}

function digestField(quirks: Quirks, exchange: Exchange, digest: string): Fields {
  const isHidden =
    quirks.noDigest === 'always' || (quirks.noDigest === 'head' && exchange.entry.method === 'HEAD')
  return isHidden ? {} : { 'docker-content-digest': digest }
}
