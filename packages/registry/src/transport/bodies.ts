import type { Readable } from 'node:stream'
import { OrchError } from '@orch/oci'
import type { RegistryResponse } from './types.ts'

/** What tokens and errors may be: 1 MiB. */
const maxSmallBody = 1024 * 1024
/** What is not needed of a body is read so far, to keep the connection. */
const maxDiscarded = 64 * 1024

/**
 * Reads a body to its end. What is longer than 1 MiB is cut off, or refused with `REGISTRY_BROKEN`.
 */
export async function readSmall(
  body: Readable,
  long: 'cut' | undefined = undefined,
): Promise<Buffer> {
  const { bytes, isLonger } = await upTo(body, maxSmallBody)
  if (isLonger && long !== 'cut')
    throw new OrchError('REGISTRY_BROKEN', 'an answer is longer than 1 MiB')
  return bytes
}

/** The whole body; undefined when it is longer than `limit` bytes. Throws what the connection throws. */
export async function readWhole(
  response: RegistryResponse,
  limit: number,
): Promise<Uint8Array | undefined> {
  if (Number(response.headers['content-length'] ?? 0) > limit) {
    drop(response)
    return undefined
  }
  const { bytes, isLonger } = await upTo(response.body, limit)
  return isLonger ? undefined : bytes
}

async function upTo(
  body: Readable,
  limit: number,
): Promise<{ readonly bytes: Buffer; readonly isLonger: boolean }> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body as AsyncIterable<Buffer>) {
    parts.push(part)
    size += part.length
    if (size > limit) break
  }
  return { bytes: Buffer.concat(parts).subarray(0, limit), isLonger: size > limit }
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
