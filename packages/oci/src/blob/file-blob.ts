import { realpath } from 'node:fs/promises'
import { Digester } from '../documents/digest.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { type Blob, blobFromFile } from './blob.ts'
import { fileBytes } from './file.ts'

/**
 * A blob of a file that lies anywhere, hashed as a stream: memory does not grow with its size. It has
 * no `path`, because a file that its owner may change must be copied, never linked; and it ends where
 * the file ended when it was hashed. A symbolic link is resolved now, once. Throws `BLOB_MISSING` when
 * the file goes away meanwhile, `BLOB_CORRUPT` for anything but a regular file, and the file system's
 * own error when it cannot be read.
 */
export async function fileBlob(path: string, signal?: AbortSignal): Promise<Blob> {
  const file = await realpath(path)
  const digester = new Digester()
  signal?.throwIfAborted()
  for await (const chunk of fileBytes(file, 0, Number.POSITIVE_INFINITY)) {
    digester.update(chunk)
    signal?.throwIfAborted()
  }
  const { size } = digester
  const descriptor = { mediaType: mediaTypes.octets, digest: digester.digest(), size }
  return blobFromFile(file, descriptor, { start: 0, length: size })
}
