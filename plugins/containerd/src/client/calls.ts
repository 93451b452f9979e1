import {
  type Client as Channel,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { encodeWrite } from './encode.ts'
import { callError, closedError } from './errors.ts'
import { type MethodName, method, type RequestOf, type ResponseOf, shortName } from './services.ts'
import type { CallOptions } from './types.ts'
import type { DuplexMethods, ReadMethods, UnaryMethods } from './wire.ts'

/** How long the answer of a usual call may take, in milliseconds. */
const usual = 30_000
/** The same for what unpacks, hashes, syncs or collects before it answers. */
export const long: number = 60 * 60_000

type Cancellable = { cancel(): void }
type CallContext = Pick<CallOptions, 'signal' | 'lease'>

/** Makes calls to one containerd in one namespace, over the channels it is given. */
export class Calls {
  readonly address: string
  readonly namespace: string
  readonly #channels: readonly Channel[]
  readonly #open = new Set<Cancellable>()
  #turn = 0
  #closed = false

  constructor(address: string, namespace: string, channels: readonly Channel[]) {
    this.address = address
    this.namespace = namespace
    this.#channels = channels
  }

  /** One question, one answer, within the call's timeout or `limit`. */
  unary<Name extends keyof UnaryMethods>(
    name: Name,
    request: RequestOf<Name>,
    call: CallOptions = {},
    limit: number = usual,
  ): Promise<ResponseOf<Name>> {
    return new Promise((resolve, reject) => {
      call.signal?.throwIfAborted()
      const { path, serialize, deserialize } = method(name)
      let release = () => {}
      const answered = (failure: ServiceError | null, answer?: ResponseOf<Name>) => {
        release()
        if (failure === null && answer !== undefined) resolve(answer)
        else reject(this.failure(name, failure, call.signal))
      }
      const open = this.#channel(name, 0).makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        this.#metadata(call),
        { deadline: Date.now() + (call.timeout ?? limit) },
        answered,
      )
      release = this.#hold(open, call.signal)
    })
  }

  /** One question, many answers; the caller listens for errors and cancels what it does not want any more. */
  read<Name extends keyof ReadMethods>(
    name: Name,
    request: RequestOf<Name>,
    call: CallContext = {},
  ): ClientReadableStream<ResponseOf<Name>> {
    const { path, serialize, deserialize } = method(name)
    const stream = this.#channel(name, this.#turn++).makeServerStreamRequest(
      path,
      serialize,
      deserialize,
      request,
      this.#metadata(call),
    )
    return this.#held(stream, call.signal)
  }

  /** An upload. As `read`. */
  write(
    call: CallContext = {},
  ): ClientDuplexStream<RequestOf<'content.Content/Write'>, ResponseOf<'content.Content/Write'>> {
    const name: keyof DuplexMethods = 'content.Content/Write'
    const { path, serialize, deserialize } = method(name)
    const stream = this.#channel(name, this.#turn++).makeBidiStreamRequest(
      path,
      (request: RequestOf<typeof name>) =>
        encodeWrite(request, serialize as (rest: object) => Buffer),
      deserialize,
      this.#metadata(call),
    )
    return this.#held(stream, call.signal)
  }

  /** The reason of the signal if that ended the call, else what the failure means. */
  failure(name: MethodName, failure: ServiceError | null, signal?: AbortSignal): unknown {
    if (signal?.aborted === true) return signal.reason
    if (this.#closed) return closedError(this.address, shortName(name))
    return callError(this.address, shortName(name), failure ?? { code: 2, details: 'no answer' })
  }

  /** Breaks off what is on its way and closes the connections. */
  close(): void {
    this.#closed = true
    for (const open of this.#open) open.cancel()
    for (const channel of this.#channels) channel.close()
  }

  #channel(name: MethodName, turn: number): Channel {
    const channel = this.#channels[turn % this.#channels.length]
    if (this.#closed || channel === undefined) throw closedError(this.address, shortName(name))
    return channel
  }

  #metadata({ lease }: CallContext): Metadata {
    const metadata = new Metadata()
    metadata.set('containerd-namespace', this.namespace)
    if (lease !== undefined) metadata.set('containerd-lease', lease)
    return metadata
  }

  #held<Stream extends Cancellable & NodeJS.EventEmitter>(
    stream: Stream,
    signal: AbortSignal | undefined,
  ): Stream {
    stream.once('status', this.#hold(stream, signal))
    return stream
  }

  /** Cancels the call when the signal aborts or the client closes, until what it returns is called. */
  #hold(open: Cancellable, signal: AbortSignal | undefined): () => void {
    const cancel = () => open.cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    this.#open.add(open)
    if (signal?.aborted === true) cancel()
    return () => {
      signal?.removeEventListener('abort', cancel)
      this.#open.delete(open)
    }
  }
}
