import type { Readable } from 'node:stream'
import { type Blob, type Descriptor, OrchError, verifiedBytes } from '@orch/oci'
import { discard, drop } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import { brokenAnswer, brokenOff, refusal } from './answer.ts'
import { anySignal, ask, blobTarget, type Context, fullName } from './context.ts'
import { Patience } from './patience.ts'
import { remoteFile } from './remote-file.ts'
import { streamOf } from './stream.ts'

/** Blobs of at least so many bytes are worth a connection of their own. */
const bulkBytes = 1024 * 1024

/** Where the bytes of an answer begin. */
interface Answer {
  readonly body: Readable
  readonly from: number
}

/** `Repository.blob`. Read from its beginning it is verified; from an offset on only its size is. */
export function remoteBlob(context: Context, descriptor: Descriptor): Blob {
  const openFile: Blob['openFile'] = async ({ signal } = {}) => {
    const closed = new AbortController()
    const ends = anySignal(closed.signal, anySignal(signal, context.signal))
    const ask = (at: number): Promise<Answer> => bodyFrom(context, descriptor, at, ends, true)
    const what = fullName(context, descriptor.digest)
    return remoteFile(ask, descriptor, what, closed, ends)
  }
  return {
    descriptor,
    origins: [{ registry: context.domain, repository: context.path }],
    ...(descriptor.size < bulkBytes ? {} : { openFile }),
    open({ offset = 0, signal } = {}) {
      const closed = new AbortController()
      const ends = anySignal(closed.signal, anySignal(signal, context.signal))
      const bytes = resumedBytes(context, descriptor, offset, ends)
      const what = fullName(context, descriptor.digest)
      // Who stops reading does not wait for a connection from which nothing comes.
      return streamOf(offset === 0 ? verifiedBytes(bytes, descriptor, what) : bytes, () =>
        closed.abort(),
      )
    },
  }
}

/**
 * The bytes from `start` on, as many as the descriptor says. Where the connection breaks off, the rest is
 * asked for; a registry that knows no ranges sends all again, and what was had is left out.
 */
async function* resumedBytes(
  context: Context,
  descriptor: Descriptor,
  start: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const what = fullName(context, descriptor.digest)
  const patience = new Patience()
  for (let at = start; ; ) {
    const before = at
    const { body, from } = await bodyFrom(context, descriptor, at, signal)
    let cause: unknown
    try {
      for await (const chunk of rest(body, at - from)) {
        at += chunk.byteLength
        if (at > descriptor.size) break
        yield chunk
      }
    } catch (error) {
      signal?.throwIfAborted()
      cause = error
    }
    if (at > descriptor.size) throw corrupt(what, `is longer than its ${descriptor.size} bytes`)
    if (at === descriptor.size) return
    cause ??= new Error(`it ended after ${at} of ${descriptor.size} bytes`)
    await patience.after(brokenOff(what, cause), at - before, signal)
  }
}

/** Asks for the bytes from `at` on. `from` is where the answer really begins: `at`, or 0. */
async function bodyFrom(
  context: Context,
  descriptor: Descriptor,
  at: number,
  signal: AbortSignal | undefined,
  isBulk = false,
): Promise<Answer> {
  const what = fullName(context, descriptor.digest)
  const target = blobTarget(context, descriptor.digest)
  const get = (headers: Readonly<Record<string, string>>): Promise<RegistryResponse> =>
    ask(context, { method: 'GET', target, headers, mirrored: true, isBulk, signal })
  if (at > 0) {
    const response = await get({ range: `bytes=${at}-` })
    if (response.status === 206 && isRangeFrom(response, at, descriptor.size))
      return { body: response.body, from: at }
    if (response.status === 200) return { body: whole(response, descriptor, what), from: 0 }
    drop(response) // another range than asked for, or none: all of it, then
  }
  const response = await get({})
  if (response.status === 200) return { body: whole(response, descriptor, what), from: 0 }
  if (response.status === 404) {
    await discard(response)
    throw new OrchError('BLOB_MISSING', `${what} is not there`)
  }
  if (response.status < 300) {
    drop(response)
    throw brokenAnswer(what, `the registry answered ${response.status} to a plain GET`)
  }
  throw await refusal(what, response)
}

/** Size before hash: an answer of another length is refused before a byte of it is read. */
function whole(response: RegistryResponse, { size }: Descriptor, what: string): Readable {
  const length = response.headers['content-length']
  if (length !== undefined && Number(length) !== size) {
    drop(response)
    throw corrupt(what, `comes with ${Number(length)} bytes, not ${size}`)
  }
  return response.body
}

function isRangeFrom({ headers }: RegistryResponse, at: number, size: number): boolean {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
  if (match === null) return false
  const [, first, last, total] = match
  return Number(first) === at && Number(last) < size && (total === '*' || Number(total) === size)
}

/** The bytes without the first `skip`. */
async function* rest(body: Readable, skip: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = skip
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const part = left === 0 ? chunk : chunk.subarray(left)
    left = Math.max(left - chunk.byteLength, 0)
    if (part.byteLength > 0) yield part
  }
}

function corrupt(what: string, why: string): OrchError {
  return new OrchError('BLOB_CORRUPT', `${what} ${why}`, {
    hint: 'The registry, or a proxy before it, is damaged or lies.',
  })
}
