import { addAbortSignal, Readable } from 'node:stream'
import type { Descriptor } from '../documents/descriptor.ts'
import { digestOf } from '../documents/digest.ts'
import { type BlobFile, fileBytes, openRange, readSize } from './file.ts'

/** How to open a blob. */
export interface OpenOptions {
  /** Bytes to leave out from the start. */
  offset?: number
  signal?: AbortSignal | undefined
}

/** Content whose digest is known, opened only when someone needs the bytes. */
export interface Blob {
  readonly descriptor: Descriptor
  open(options?: OpenOptions): Readable
  /** Opens the bytes for a reader that brings its own memory, which is quicker; absent where they only come as a stream. */
  openFile?(options?: Pick<OpenOptions, 'signal'>): Promise<BlobFile>
  /** A local file that holds exactly these bytes, so that a medium may link instead of copying. */
  readonly path?: string
  /** Whether whoever handed out `path` has checked its content against the digest. */
  readonly verified?: boolean
  /** Registries that hold it, so that one of them may mount it instead of receiving it. */
  readonly origins?: readonly { readonly registry: string; readonly repository: string }[]
}

/** A blob of bytes in memory. The digest is computed here. */
export function blobFromBytes(
  bytes: Uint8Array,
  mediaType: string,
  extra: Partial<Omit<Descriptor, 'mediaType' | 'digest' | 'size'>> = {},
): Blob {
  const descriptor: Descriptor = {
    mediaType,
    digest: digestOf(bytes),
    size: bytes.byteLength,
    ...extra,
  }
  return {
    descriptor,
    open({ offset = 0, signal } = {}) {
      const rest = bytes.subarray(offset)
      const stream = Readable.from(rest.byteLength === 0 ? [] : [rest], { objectMode: false })
      return signal === undefined ? stream : addAbortSignal(signal, stream)
    },
  }
}

/**
 * A blob in a file of its own, or in `length` bytes of a file from `start` on. The file is opened anew
 * by each reader, which fails with `BLOB_MISSING` when it is gone, and with `BLOB_CORRUPT` when it is a
 * symbolic link or anything else but a regular file: whoever means a link resolves it first.
 */
export function blobFromFile(
  path: string,
  descriptor: Descriptor,
  range?: { readonly start: number; readonly length: number },
): Blob {
  return {
    descriptor,
    ...(range === undefined ? { path } : {}),
    openFile: () => openRange(path, range),
    open({ offset = 0, signal } = {}) {
      const start = (range?.start ?? 0) + offset
      const end = range === undefined ? Number.POSITIVE_INFINITY : range.start + range.length
      const stream = Readable.from(fileBytes(path, start, end), {
        objectMode: false,
        highWaterMark: readSize,
      })
      return signal === undefined ? stream : addAbortSignal(signal, stream)
    },
  }
}
