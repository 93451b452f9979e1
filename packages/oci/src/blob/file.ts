import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { OrchError } from '../errors.ts'

/** An open file, or something like one, that holds a blob. Its bytes are not verified. */
export interface BlobFile {
  /** Reads from `at` on until `into` is full or the blob ends; gives how many bytes were read. */
  read(into: Uint8Array, at: number): Promise<number>
  close(): Promise<void>
}

/** Bytes read at once. */
export const readSize: number = 256 * 1024
/** Bytes asked for where a file should have ended. */
const endProbe = 512

/**
 * The bytes of a regular file from `start` up to `end`, or to the end of the file. Opened without
 * following a link or waiting for a pipe, and checked once open, so that nothing can be swapped in
 * between. Throws `BLOB_MISSING` and `BLOB_CORRUPT`.
 */
export async function* fileBytes(
  path: string,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  const { file, size } = await openRegular(path)
  try {
    for (let at = start; at < end; ) {
      // Most files are small. One may be longer by now, or not know its size.
      const left = Math.max(size - at, endProbe)
      const buffer = Buffer.allocUnsafeSlow(Math.min(readSize, left, end - at))
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** Opens a regular file, or a range of one, as a blob; the errors are those of `fileBytes`. */
export async function openRange(
  path: string,
  { start, length }: { readonly start: number; readonly length: number } = whole,
): Promise<BlobFile> {
  const { file } = await openRegular(path)
  return {
    async read(into, at) {
      const wanted = Math.min(into.byteLength, length - at)
      let read = 0
      while (read < wanted) {
        const { bytesRead } = await file.read(into, read, wanted - read, start + at + read)
        if (bytesRead === 0) break
        read += bytesRead
      }
      return read
    },
    close: () => file.close(),
  }
}

const whole = { start: 0, length: Number.POSITIVE_INFINITY }

async function openRegular(path: string): Promise<{ file: FileHandle; size: number }> {
  // Windows has neither flag.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  const file = await open(path, flags).catch(cause => {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new OrchError('BLOB_MISSING', `${path} is not there`, { cause })
    if (code === 'ELOOP' || code === 'ENXIO') refuse(path, cause)
    throw cause
  })
  const found = await file.stat().catch(async cause => {
    await file.close()
    throw cause
  })
  if (found.isFile()) return { file, size: found.size }
  await file.close()
  return refuse(path)
}

function refuse(path: string, cause?: unknown): never {
  throw new OrchError('BLOB_CORRUPT', `${path} is not a regular file`, {
    hint: 'Links are not followed where content is read; name the file itself.',
    cause,
  })
}
