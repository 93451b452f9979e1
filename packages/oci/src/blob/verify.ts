import type { Descriptor } from '../documents/descriptor.ts'
import { OrchError } from '../errors.ts'
import { maxDocumentBytes } from '../json.ts'
import type { Blob } from './blob.ts'
import { BlobCheck } from './check.ts'

/**
 * Passes a blob's bytes on and checks them on the way: it ends with `BLOB_CORRUPT` instead of its
 * last chunk when size or digest is not the descriptor's, and stops at once when there is too much.
 */
export async function* verifiedBytes(
  source: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  what: string = descriptor.digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  const check = new BlobCheck(descriptor, what)
  let held: Uint8Array | undefined
  for await (const chunk of source) {
    check.update(chunk)
    if (held !== undefined) yield held
    held = chunk
  }
  check.end()
  if (held !== undefined) yield held
}

/** Reads a small blob whole and verifies it. Throws `BLOB_CORRUPT`, and `BLOB_TOO_LARGE` above `maxBytes`. */
export async function readBlob(
  blob: Blob,
  options: { maxBytes?: number; signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array> {
  const { descriptor } = blob
  const { maxBytes = maxDocumentBytes, signal } = options
  if (descriptor.size > maxBytes) {
    throw new OrchError(
      'BLOB_TOO_LARGE',
      `${descriptor.digest} is ${descriptor.size} bytes; the limit is ${maxBytes}`,
    )
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of verifiedBytes(blob.open({ signal }), descriptor)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
