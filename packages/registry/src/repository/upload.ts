import { type Blob, OrchError } from '@orch/oci'
import { discard } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import { brokenAnswer, RefusedError, refusal } from './answer.ts'
import { ask, type Context, fullName, pushScope } from './context.ts'
import { withParameter } from './location.ts'
import { Patience } from './patience.ts'
import { isComplete } from './presence.ts'
import { abandon, askSession, beginSession, type Session, startSession } from './session.ts'
import { checkSource, UploadSource } from './upload-source.ts'

const MiB = 1024 * 1024
/** The first size of chunks, when a blob is too large at once; then quarters of it. */
const firstChunk = 64 * MiB
const smallestChunk = MiB / 4
/** After so many refusals in different ways a push fails. */
const maxRefusals = 3

/** A step ended otherwise than the protocol says; the upload begins anew, in one piece. */
class Inconsistent extends Error {}

/**
 * Sends one blob. In one PUT, as every registry can; in chunks only when a chunk size was asked for, when
 * the registry or a proxy finds the whole too large (413), and to send the rest after a drop, when the
 * registry says how much it has. Where chunks do not work the blob is sent whole again.
 */
export class Upload {
  readonly #context: Context
  readonly #blob: Blob
  readonly #signal: AbortSignal | undefined
  readonly #source: UploadSource
  readonly #patience = new Patience()
  #location: string | undefined
  /** Bytes that the registry has of it. */
  #held = 0
  #leastChunk = 0
  #chunk: number
  #canChunk = true
  #refusals = 0
  #fruitlessDrops = 0

  constructor(
    context: Context,
    blob: Blob,
    options: {
      readonly signal?: AbortSignal | undefined
      readonly progress?: (sent: number) => void
    },
  ) {
    this.#context = context
    this.#blob = blob
    this.#signal = options.signal
    this.#source = new UploadSource(blob, options.signal, options.progress)
    this.#chunk = context.chunkBytes ?? Number.POSITIVE_INFINITY
  }

  /**
   * Sends it all. Throws `REGISTRY_REFUSED`, `REGISTRY_ANSWER_INVALID`, `BLOB_CORRUPT` when the blob's
   * own bytes are wrong, what its stream throws, and what the transport throws.
   * @param session an upload that was begun already
   */
  async run(session: Session | undefined): Promise<void> {
    if (session !== undefined) this.#note(session)
    try {
      for (let isDone = false; !isDone; ) isDone = await this.#attempt()
    } catch (error) {
      if (this.#location !== undefined) await abandon(this.#context, this.#location)
      throw error
    }
  }

  /** Whether the blob is there now. */
  async #attempt(): Promise<boolean> {
    if (this.#location === undefined) this.#note(await beginSession(this.#context, this.#signal))
    const before = this.#held
    try {
      await this.#send()
      return true
    } catch (error) {
      this.#signal?.throwIfAborted()
      if (this.#source.failure !== undefined) throw this.#source.failure
      if (await this.#recover(error)) return true
      await this.#patience.after(error, this.#held - before, this.#signal)
      return false
    }
  }

  async #send(): Promise<void> {
    const { size } = this.#blob.descriptor
    const isWhole = this.#held === 0 && (this.#chunk >= size || !this.#canChunk)
    while (!isWhole && this.#held < size) await this.#sendChunk(size)
    await this.#finish(isWhole ? 0 : size)
  }

  async #sendChunk(size: number): Promise<void> {
    const start = this.#held
    const end = Math.min(size, start + Math.max(this.#chunk, this.#leastChunk))
    const response = await this.#request('PATCH', this.#here(), start, end)
    if (![201, 202, 204].includes(response.status)) throw await this.#refusal(response)
    await discard(response)
    const session = startSession(this.#context, response)
    this.#note(session)
    this.#held = session.held ?? end
    if (this.#held <= start || this.#held > end)
      throw new Inconsistent(`the registry has ${this.#held} bytes after ${end} were sent`)
  }

  /** Sends what is left, all or nothing, and the digest. */
  async #finish(start: number): Promise<void> {
    const { size, digest } = this.#blob.descriptor
    const target = withParameter(this.#here(), 'digest', digest)
    const response = await this.#request('PUT', target, start, size)
    if (response.status < 200 || response.status > 299) throw await this.#refusal(response)
    await discard(response)
    const isCertain = response.status === 201 || response.status === 204
    if (!isCertain && !(await isComplete(this.#context, this.#blob.descriptor, this.#signal)))
      throw new Inconsistent(`the registry answered ${response.status} and has no blob`)
    const told = response.headers['docker-content-digest'] ?? digest
    if (told !== digest) throw brokenAnswer(this.#what(), 'the registry stored another digest')
  }

  #request(
    method: 'PATCH' | 'PUT',
    target: string,
    start: number,
    end: number,
  ): Promise<RegistryResponse> {
    const range = method === 'PATCH' ? { 'content-range': `${start}-${end - 1}` } : {}
    return ask(this.#context, {
      method,
      target,
      headers: { 'content-type': 'application/octet-stream', ...range },
      body: this.#source.part(start, end),
      scopes: [pushScope(this.#context.path)],
      isRepeatable: false, // an address of an upload is good once; what to do next is decided here
      signal: this.#signal,
    })
  }

  /** Makes the next attempt possible. Whether the blob is there after all; throws when nothing helps. */
  async #recover(error: unknown): Promise<boolean> {
    if (error instanceof RefusedError) return this.#afterRefusal(error)
    if (error instanceof Inconsistent) return this.#afterRefusal(undefined, error)
    if (!isDrop(error)) throw error
    const session = await this.#standing()
    const hasMore = session?.held !== undefined && session.held > this.#held
    this.#fruitlessDrops = hasMore ? 0 : this.#fruitlessDrops + 1
    // A server that ends the connection while it is sent to may mean 413 without being heard.
    if (this.#fruitlessDrops === 2) this.#chunk = Math.min(this.#chunk, firstChunk / 4)
    return this.#goOn(session)
  }

  async #afterRefusal(
    refused: RefusedError | undefined,
    error: Error | undefined = refused,
  ): Promise<boolean> {
    if (refused?.status === 416) return this.#goOn(await this.#standing())
    if (refused?.status === 413) {
      const smallest = Math.max(smallestChunk, this.#leastChunk)
      const last = Math.min(this.#chunk, this.#blob.descriptor.size)
      if (last <= smallest || !this.#canChunk) throw refused
      this.#chunk = Math.max(smallest, Math.min(Math.ceil(last / 4), firstChunk))
      await this.#anew()
      return false
    }
    const isPlain = this.#held === 0 && this.#chunk >= this.#blob.descriptor.size
    const isGone = refused?.status === 404 || refused?.says('BLOB_UPLOAD_UNKNOWN') === true
    if (++this.#refusals >= maxRefusals || (isPlain && !isGone)) {
      await checkSource(this.#blob, this.#signal)
      throw refused ?? brokenAnswer(this.#what(), error?.message ?? 'the upload fails')
    }
    if (!isGone) {
      this.#canChunk = false
      this.#chunk = Number.POSITIVE_INFINITY
    }
    await this.#anew()
    return false
  }

  async #standing(): Promise<Session | undefined> {
    if (!this.#canChunk || this.#location === undefined) return undefined
    try {
      return await askSession(this.#context, this.#location, this.#signal)
    } catch (error) {
      if (error instanceof OrchError && error.code !== 'REGISTRY_UNREACHABLE') return undefined
      throw error
    }
  }

  /** Goes on where the registry is, or anew; or not at all, when only its last answer was lost. */
  async #goOn(session: Session | undefined): Promise<boolean> {
    const held = session?.held
    if (session !== undefined && held !== undefined && held <= this.#blob.descriptor.size) {
      this.#note(session)
      this.#held = held
      return false
    }
    if (await isComplete(this.#context, this.#blob.descriptor, this.#signal)) return true
    await this.#anew()
    return false
  }

  async #anew(): Promise<void> {
    if (this.#location !== undefined) await abandon(this.#context, this.#location)
    this.#location = undefined
    this.#held = 0
  }

  #note({ location, leastChunk }: Session): void {
    this.#location = location
    this.#leastChunk = Math.max(this.#leastChunk, leastChunk)
  }

  #here(): string {
    if (this.#location === undefined) throw new Inconsistent('the upload has no address')
    return this.#location
  }

  #what(): string {
    return fullName(this.#context, this.#blob.descriptor.digest)
  }

  #refusal(response: RegistryResponse): Promise<RefusedError> {
    return refusal(this.#what(), response)
  }
}

function isDrop(error: unknown): boolean {
  const codes = ['REGISTRY_UNREACHABLE', 'REGISTRY_BROKEN', 'REGISTRY_BUSY']
  return error instanceof OrchError && codes.includes(error.code)
}
