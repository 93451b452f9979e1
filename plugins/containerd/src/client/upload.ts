import type { ServiceError } from '@grpc/grpc-js'
import { type Calls, long } from './calls.ts'
import { silentError } from './errors.ts'
import { shortName } from './services.ts'
import type { CallOptions, WriteRequest, WriteResponse, WriteStream } from './types.ts'
import type { WireWriteResponse } from './wire.ts'

const name = 'content.Content/Write'
const actions = { stat: 'STAT', write: 'WRITE', commit: 'COMMIT' } as const
/** How long the daemon may take over what it was sent, in milliseconds; a commit hashes and syncs. */
const limits = { stat: 60_000, write: 60_000, commit: long } as const

/** A request whose answer has not come. */
interface Pending {
  readonly limit: number
  readonly resolve: (response: WriteResponse) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Opens an upload (content.Content/Write). `send` rejects with the failure that ended the upload, however
 * often it is called; `end` rejects only with one that no `send` has told of, and not after `cancel`.
 */
export function upload(calls: Calls, options: CallOptions = {}): WriteStream {
  options.signal?.throwIfAborted()
  const call = calls.write(options)
  const pending: Pending[] = []
  const ended = Promise.withResolvers<void>()
  let failure: { readonly reason: unknown } | undefined
  let told = false
  let ending = false
  let timer: NodeJS.Timeout | undefined

  const over = () => {
    clearTimeout(timer)
    ended.resolve()
  }
  const fail = (reason: unknown) => {
    if (failure !== undefined) return
    failure = { reason }
    told ||= pending.length > 0
    for (const one of pending.splice(0)) one.reject(reason)
    over()
  }
  const expectAnswer = (limit: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      fail(silentError(calls.address, shortName(name)))
      call.cancel()
    }, options.timeout ?? limit)
  }

  call.on('data', ({ offset, total, digest }: WireWriteResponse) => {
    clearTimeout(timer)
    pending.shift()?.resolve({ offset, total, digest })
    const next = pending[0]
    if (next !== undefined) expectAnswer(next.limit)
    else if (ending) expectAnswer(limits.write)
  })
  call.on('error', (error: ServiceError) => fail(calls.failure(name, error, options.signal)))
  call.once('end', () => {
    // The daemon may end the upload by itself, but owes an answer to all that it was sent.
    if (pending.length > 0 || !ending) fail(calls.failure(name, null, options.signal))
    over()
  })

  return {
    send(request) {
      const { promise, resolve, reject } = Promise.withResolvers<WriteResponse>()
      // Who sends several at once awaits them in turn, and may stop at the first that fails.
      promise.catch(() => {})
      if (failure !== undefined || ending) {
        told = true
        reject(failure?.reason ?? new TypeError('the upload has been ended'))
        return promise
      }
      const limit = limits[request.action]
      pending.push({ limit, resolve, reject })
      if (pending.length === 1) expectAnswer(limit)
      call.write(wire(request))
      return promise
    },
    async end() {
      if (failure === undefined && !ending) {
        ending = true
        if (pending.length === 0) expectAnswer(limits.write)
        call.end()
      }
      await ended.promise
      if (failure !== undefined && !told) throw failure.reason
    },
    cancel() {
      told = true
      call.cancel()
    },
  }
}

function wire({ action, ref, total, expected, offset, data, hasRoom, labels }: WriteRequest) {
  return {
    action: actions[action],
    ref,
    total,
    expected,
    offset: offset ?? 0,
    labels: labels ?? {},
    data: data ?? [],
    hasRoom: hasRoom ?? false,
  }
}
