import { Readable } from 'node:stream'
import type { ServiceError } from '@grpc/grpc-js'
import { type Digest, toError } from '@orch/oci'
import type { Calls } from './calls.ts'
import { silentError } from './errors.ts'
import { shortName } from './services.ts'

const name = 'content.Content/Read'
/** How long the daemon may let a reader wait, in milliseconds. */
const idle = 60_000

/**
 * Reads a blob (content.Content/Read). The call begins with the first read, goes no faster than the reader,
 * and is cancelled when the stream is destroyed.
 */
export function download(
  calls: Calls,
  digest: Digest,
  { offset = 0, signal }: { readonly offset?: number; readonly signal?: AbortSignal | undefined },
): Readable {
  let call: ReturnType<typeof begin> | undefined
  let timer: NodeJS.Timeout | undefined
  const abort = () => stream.destroy(signal?.reason)

  const begin = () => {
    signal?.throwIfAborted()
    const begun = calls.read(name, { digest, offset })
    begun.on('data', ({ data }: { data: Buffer }) => {
      clearTimeout(timer)
      if (!stream.push(data)) begun.pause()
      else expectData()
    })
    begun.on('error', (error: ServiceError) =>
      stream.destroy(toError(calls.failure(name, error, signal))),
    )
    begun.once('end', () => stream.push(null))
    return begun
  }
  const expectData = () => {
    clearTimeout(timer)
    timer = setTimeout(() => stream.destroy(silentError(calls.address, shortName(name))), idle)
  }
  const stream: Readable = new Readable({
    read() {
      try {
        call ??= begin()
      } catch (error) {
        stream.destroy(toError(error))
        return
      }
      expectData()
      call.resume()
    },
    destroy(error, done) {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      call?.cancel()
      done(error)
    },
  })
  signal?.addEventListener('abort', abort, { once: true })
  return stream
}
