import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Descriptor,
  isConfigType,
  isIndexType,
  isLayerType,
  isManifestType,
  OrchError,
  type Stretch,
} from '@orch/oci'
import { ContainerdError, hasStatus, isLocked } from '../client/errors.ts'
import type { CallOptions, Client, Labels, WriteStream } from '../client/types.ts'

/** A ref whose holder writes nothing for so long is given up. */
const stuckAfterMs = 10 * 60_000
/** A wait that has come to pauses of this length is told. */
const noticeableMs = 600

/** The name of an upload as containerd's own client makes it (core/remotes, MakeRefKey), so that each resumes the other's. */
export function refOf({ mediaType, digest }: Descriptor): string {
  if (isManifestType(mediaType)) return `manifest-${digest}`
  if (isIndexType(mediaType)) return `index-${digest}`
  if (isLayerType(mediaType)) return `layer-${digest}`
  return isConfigType(mediaType) ? `config-${digest}` : `unknown-${digest}`
}

/** One blob on its way into one daemon. */
export class Upload {
  /** Bytes that the daemon had from an earlier, interrupted upload. */
  readonly resumedAt: number
  readonly #stream: WriteStream
  readonly #request: ReturnType<typeof requestOf>
  #at: number

  constructor(stream: WriteStream, descriptor: Descriptor, offset: number) {
    this.#stream = stream
    this.#request = requestOf(descriptor)
    this.resumedAt = offset
    this.#at = offset
  }

  /** Sends what the daemon lacks of a stretch of the blob, and waits until the daemon has it. */
  async write({ at, data }: Stretch): Promise<void> {
    const offset = this.#at
    const end = at + data.byteLength
    if (end <= offset) return
    this.#at = end
    const hasRoom = at === offset
    const lacking = hasRoom ? data : data.subarray(offset - at)
    await this.#stream.send({ ...this.#request, action: 'write', offset, data: [lacking], hasRoom })
  }

  /** Closes the upload: the daemon checks size and digest, and the blob is there. */
  async commit(labels: Labels): Promise<void> {
    await commit(this.#stream, { ...this.#request, offset: this.#at, labels })
  }

  /** Bytes that were sent. */
  get sent(): number {
    return this.#at - this.resumedAt
  }

  /** Breaks it off. */
  cancel(): void {
    this.#stream.cancel()
  }
}

/** How a locked ref is met: waited for, and whom to tell; or not. */
export interface Patience {
  readonly isWaiting: boolean
  /** Somebody else is writing the blob, and is waited for. */
  readonly told?: () => void
}

/**
 * Opens the upload of a blob where an earlier one ended. `there` when the daemon has the blob: then the
 * call's lease holds it from now on. While someone else writes it, waits, or without waiting says
 * `locked`. Throws `CONTAINERD_LOCKED`.
 */
export async function openUpload(
  client: Client,
  descriptor: Descriptor,
  call: CallOptions,
  patience: Patience,
): Promise<Upload | 'there' | 'locked'> {
  const open = (): Promise<Upload | 'there'> => openNow(client, descriptor, call)
  if (patience.isWaiting) return unlocked(client, descriptor, call, patience, open)
  return open().catch(error => {
    if (isLocked(error)) return 'locked'
    throw error
  })
}

async function openNow(
  client: Client,
  descriptor: Descriptor,
  call: CallOptions,
): Promise<Upload | 'there'> {
  for (let attempt = 1; ; attempt += 1) {
    const stream = client.content.write(call)
    try {
      const { offset } = await stream.send({ ...requestOf(descriptor), action: 'stat' })
      if (offset >= 0 && offset <= descriptor.size) return new Upload(stream, descriptor, offset)
      if (attempt === 3) throw senseless(client, descriptor, offset)
    } catch (error) {
      stream.cancel()
      if (hasStatus(error, 'ALREADY_EXISTS')) return 'there'
      throw error
    }
    // Longer than the blob: nothing that could be gone on with.
    await stream.end()
    await client.content.abort(refOf(descriptor), call)
  }
}

function senseless({ address }: Client, { digest, size }: Descriptor, offset: number): OrchError {
  return new OrchError(
    'CONTAINERD_FAILED',
    `containerd at ${address} says that it has ${offset} of the ${size} bytes of ${digest}`,
    { hint: 'Remove the upload: ctr content active, ctr content rm.' },
  )
}

/** Puts a small blob there in one message, over whatever an earlier upload left. */
export async function putWhole(
  client: Client,
  descriptor: Descriptor,
  bytes: Uint8Array,
  labels: Labels,
  call: CallOptions,
  patience: Patience,
): Promise<void> {
  await unlocked(client, descriptor, call, patience, async () => {
    const stream = client.content.write(call)
    await commit(stream, { ...requestOf(descriptor), offset: 0, data: [bytes], labels })
  })
}

type Commit = Omit<Parameters<WriteStream['send']>[0], 'action'>

async function commit(stream: WriteStream, request: Commit): Promise<void> {
  try {
    await stream.send({ ...request, action: 'commit' })
    await stream.end()
  } catch (error) {
    stream.cancel()
    // Someone else was quicker; the lease holds it all the same.
    if (!hasStatus(error, 'ALREADY_EXISTS')) throw error
  }
}

function requestOf(descriptor: Descriptor): {
  ref: string
  total: number
  expected: Descriptor['digest']
} {
  return { ref: refOf(descriptor), total: descriptor.size, expected: descriptor.digest }
}

/** Whether the daemon refused the content: not the size or not the digest that was announced. */
export function isRefused(error: unknown): boolean {
  return (
    error instanceof ContainerdError &&
    ((error.status === 'FAILED_PRECONDITION' && /unexpected commit/.test(error.message)) ||
      error.status === 'OUT_OF_RANGE')
  )
}

/** Does the work once nobody else holds the ref, looking again after a random while. */
async function unlocked<T>(
  client: Client,
  descriptor: Descriptor,
  call: CallOptions,
  { told }: Patience,
  work: () => Promise<T>,
): Promise<T> {
  const ref = refOf(descriptor)
  let seen: { offset: number; at: number } | undefined
  for (let pause = 20; ; pause = Math.min(pause * 2, 2000)) {
    try {
      return await work()
    } catch (error) {
      if (!isLocked(error)) throw error
      if (pause > noticeableMs) told?.()
      const offset = (await client.content.status(ref, call))?.offset ?? -1
      if (seen === undefined || seen.offset !== offset) seen = { offset, at: Date.now() }
      else if (Date.now() - seen.at > stuckAfterMs) {
        throw new OrchError(
          'CONTAINERD_LOCKED',
          `${client.address}: someone else has been writing ${descriptor.digest} for ${stuckAfterMs / 60_000} min without progress`,
          {
            hint: `Find who holds the upload ${ref} (ctr content active), and end it.`,
            cause: error,
          },
        )
      }
    }
    await sleep(
      pause * (0.5 + Math.random()),
      undefined,
      call.signal === undefined ? {} : { signal: call.signal },
    )
  }
}
