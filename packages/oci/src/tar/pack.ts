import { pipeline } from 'node:stream/promises'
import tar from 'tar-stream'
import { verifiedBytes } from '../blob/verify.ts'
import type { Entry } from './entry.ts'
import { headerOf } from './header.ts'

/**
 * The bytes of a tar (POSIX.1-2001: ustar, with PAX records for what ustar cannot say) that holds the
 * entries in the order given. The same entries always give the same bytes. A file whose content is no
 * longer what its digest says ends the stream with `BLOB_CORRUPT`. Content is opened when its turn
 * comes, read about as fast as the bytes are drawn, and closed when the reader stops.
 * @param mtime seconds since 1970 for entries that name none
 */
export async function* tarBytes(
  entries: Iterable<Entry>,
  options: { mtime?: number; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { mtime = 0, signal } = options
  const pack = tar.pack()
  const filled = fill(pack, entries, mtime, signal).then(
    () => pack.finalize(),
    error => pack.destroy(error),
  )
  try {
    for await (const chunk of pack as AsyncIterable<Uint8Array>) yield chunk
  } finally {
    pack.destroy()
    await filled // what is open is closed
  }
}

async function fill(
  pack: tar.Pack,
  entries: Iterable<Entry>,
  mtime: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const entry of entries) {
    signal?.throwIfAborted()
    const sink = pack.entry(headerOf(entry, entry.mtime ?? mtime))
    if (entry.type !== 'file') continue
    const { content, path } = entry
    const bytes = verifiedBytes(content.open({ signal }), content.descriptor, path)
    await pipeline(bytes, sink as unknown as NodeJS.WritableStream)
  }
}
