import { randomUUID } from 'node:crypto'
import type { Exchange } from './exchange.ts'
import type { Fields } from './faults.ts'
import { digestOf, type Upload } from './memory.ts'
import type { Quirks } from './quirks.ts'
import type { Context } from './routes.ts'

/** POST: a mount, or an upload begins. */
export async function beginUpload(
  context: Context,
  exchange: Exchange,
  repository: string,
): Promise<void> {
  const { memory } = context
  if (!(await exchange.receive())) return
  const digest = exchange.query.get('mount')
  if (digest !== null && mount(context, exchange, repository, digest)) return
  const id = randomUUID()
  const upload: Upload = { repository, parts: [], length: 0, turn: 0, chunks: 0, isLast: false }
  memory.uploads.set(id, upload)
  const { minChunk } = context.quirks
  const least = minChunk === undefined ? {} : { 'oci-chunk-min-length': String(minChunk) }
  exchange.answer(202, { ...progress(context, exchange, id, upload), ...least })
}

/** Whether the mount was answered; otherwise an upload is to begin. */
function mount(
  { memory, quirks, access }: Context,
  exchange: Exchange,
  repository: string,
  digest: string,
): boolean {
  const from = exchange.query.get('from')
  if (typeof quirks.mount === 'number') {
    exchange.refuse(quirks.mount, 'UNSUPPORTED')
    return true
  }
  if (quirks.mount === 'from-only' && from === null) {
    exchange.refuse(400, 'UNSUPPORTED', 'mount needs from')
    return true
  }
  if (quirks.mount === 'never') return false
  if (quirks.mountNeedsPull === true && (from === null || !access.may(exchange, from, 'pull')))
    return false
  const blob =
    from === null ? memory.blob(digest) : memory.repositories.get(from)?.blobs.get(digest)
  if (blob === undefined) return false
  memory.repository(repository).blobs.set(digest, blob)
  exchange.answer(201, finished(quirks, repository, digest))
  return true
}

/** PATCH, PUT, GET and DELETE of an upload. */
export async function goOnUpload(
  context: Context,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const upload = context.memory.uploads.get(id)
  const { method } = exchange.entry
  const isKnown = upload?.repository === repository && hasState(context.quirks, exchange, upload)
  if (upload === undefined || !isKnown) {
    exchange.refuse(404, 'BLOB_UPLOAD_UNKNOWN')
    return
  }
  if (method === 'GET' && context.quirks.noStatus === true)
    exchange.refuse(404, 'BLOB_UPLOAD_UNKNOWN')
  else if (method === 'GET') exchange.answer(204, progress(context, exchange, id, upload))
  else if (method === 'PATCH') await patch(context, exchange, id, upload)
  else if (method === 'PUT') await finish(context, exchange, id, upload)
  else if (method === 'DELETE') {
    context.memory.uploads.delete(id)
    exchange.answer(204)
  } else exchange.refuse(405, 'UNSUPPORTED')
}

async function patch(
  context: Context,
  exchange: Exchange,
  id: string,
  upload: Upload,
): Promise<void> {
  const { quirks } = context
  if (quirks.chunks === 'refused') {
    exchange.refuse(405, 'UNSUPPORTED')
    return
  }
  if (isOutOfPlace(exchange, upload) || upload.isLast) {
    exchange.refuse(416, 'BLOB_UPLOAD_INVALID', undefined, progress(context, exchange, id, upload))
    return
  }
  const before = upload.length
  if (!(await append(quirks, exchange, upload, quirks.chunks === 'discarded' && upload.chunks > 0)))
    return
  upload.chunks++
  upload.isLast = upload.length - before < (quirks.minChunk ?? 0)
  exchange.answer(quirks.patchStatus ?? 202, progress(context, exchange, id, upload))
}

async function finish(
  context: Context,
  exchange: Exchange,
  id: string,
  upload: Upload,
): Promise<void> {
  const { memory, quirks } = context
  if (isOutOfPlace(exchange, upload)) {
    exchange.refuse(416, 'BLOB_UPLOAD_INVALID', undefined, progress(context, exchange, id, upload))
    return
  }
  if (!(await append(quirks, exchange, upload, false))) return
  memory.uploads.delete(id)
  const digest = exchange.query.get('digest') ?? ''
  const bytes = Buffer.concat(upload.parts)
  if (digestOf(bytes) !== digest) {
    exchange.refuse(400, 'DIGEST_INVALID')
    return
  }
  memory.repository(upload.repository).blobs.set(digest, bytes)
  exchange.answer(quirks.putStatus ?? 201, finished(quirks, upload.repository, digest))
}

/** Takes a body; false when it was answered or its connection ended. */
async function append(
  quirks: Quirks,
  exchange: Exchange,
  upload: Upload,
  discards: boolean,
): Promise<boolean> {
  const { maxBody = Number.POSITIVE_INFINITY } = quirks
  if (Number(exchange.request.headers['content-length'] ?? 0) > maxBody) {
    exchange.refuse(413, 'SIZE_INVALID')
    return false
  }
  const { parts, length } = upload
  upload.parts = [...parts]
  const isWhole = await exchange.receive(chunk => {
    if (discards) return
    upload.parts.push(chunk)
    upload.length += chunk.length
  })
  const isTooMuch = exchange.entry.received > maxBody
  if (isTooMuch || (!isWhole && quirks.forgetsDrops === true))
    Object.assign(upload, { parts, length })
  // What was sent with no Location for an answer has used the old one up all the same.
  if (!isWhole) upload.turn++
  if (isWhole && isTooMuch) exchange.refuse(413, 'SIZE_INVALID')
  return isWhole && !isTooMuch
}

/** Whether Content-Range says another place than where the upload is. */
function isOutOfPlace(exchange: Exchange, upload: Upload): boolean {
  const range = exchange.request.headers['content-range']
  if (range === undefined) return false
  const [, start, last] = /^(?:bytes )?(\d+)-(\d+)/.exec(range) ?? []
  const length = Number(exchange.request.headers['content-length'])
  return Number(start) !== upload.length || Number(last) - Number(start) + 1 !== length
}

/** The query that Locations have, which changes from one to the next. */
function state(quirks: Quirks, upload: Upload): string {
  const tricky = quirks.rawState === true ? "%2Fa+b'c==%7e%2f&empty=&more=%c3%A9" : ''
  return `_state=${upload.turn}${tricky}`
}

function hasState(quirks: Quirks, exchange: Exchange, upload: Upload): boolean {
  const came = exchange.rawQuery.replace(/&?digest=[^&]*$/, '')
  if (quirks.singleUse === true) return came === state(quirks, upload)
  if (quirks.rawState !== true) return true
  return came.replace(/^_state=\d+/, '') === state(quirks, upload).replace(/^_state=\d+/, '')
}

/** Where the upload goes on, and how far it is. A new Location makes the one before it old. */
function progress({ quirks }: Context, exchange: Exchange, id: string, upload: Upload): Fields {
  upload.turn++
  const path = `/v2/${upload.repository}/blobs/uploads/${id}?${state(quirks, upload)}`
  const scheme = 'encrypted' in exchange.request.socket ? 'https' : 'http'
  const host = quirks.location === 'portless' ? exchange.host.replace(/:\d+$/, '') : exchange.host
  return {
    location: quirks.location === 'relative' ? path : `${scheme}://${host}${path}`,
    // As distribution has it: nothing and one byte look the same.
    range: `0-${Math.max(0, upload.length - 1)}`,
    'docker-upload-uuid': id,
  }
}

function finished(quirks: Quirks, repository: string, digest: string): Fields {
  return {
    location: `/v2/${repository}/blobs/${digest}`,
    ...(quirks.noDigest !== 'always' && { 'docker-content-digest': digest }),
  }
}
