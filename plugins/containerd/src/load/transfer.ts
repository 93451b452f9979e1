import { type Blob, type Descriptor, readBlob } from '@orch/oci'
import { corrupt, leafLabels, type Session } from './session.ts'
import { type Stretch, stretches } from './stretches.ts'
import { isRefused, type Upload } from './upload.ts'

/** Blobs up to this size go in one message. */
const smallBytes = 1024 * 1024
/** Messages of one blob that are on their way at once. */
const window = 2
/** How often progress is told, in milliseconds. */
const progressEveryMs = 100

/** A blob without children. */
export interface Leaf {
  readonly descriptor: Descriptor
  readonly blob: Blob
}

/**
 * Brings one blob into every daemon that lacks it, reading it once. A daemon that fails drops out, its
 * session says why; the others go on. Throws when the source fails.
 */
export async function transfer(leaf: Leaf, sessions: readonly Session[]): Promise<void> {
  const { descriptor, blob } = leaf
  const waiting = sessions.filter(session => !session.isSettled(descriptor))
  const labels = leafLabels(blob)
  if (descriptor.size <= smallBytes) return transferSmall(leaf, waiting)
  const opened = await Promise.all(
    waiting.map(session =>
      session.unlessOver(async () => {
        const upload = await session.open(descriptor, labels)
        return upload === undefined ? [] : [new Receiver(session, leaf, upload)]
      }),
    ),
  )
  const receivers = opened.flatMap(found => found ?? [])
  if (receivers.length === 0) return
  try {
    await pump(leaf, receivers)
  } catch (error) {
    for (const receiver of receivers) receiver.cancel()
    throw error
  }
  const again = await Promise.all(receivers.map(receiver => receiver.commit()))
  // What an earlier upload had left was no part of this blob: from the beginning, each by itself.
  for (const session of again) if (session !== undefined) await transfer(leaf, [session])
}

async function transferSmall(leaf: Leaf, sessions: readonly Session[]): Promise<void> {
  const { descriptor, blob } = leaf
  const labels = leafLabels(blob)
  let bytes: Promise<Uint8Array> | undefined
  await Promise.all(
    sessions.map(session =>
      session.unlessOver(async () => {
        if (session.had(descriptor)) {
          const upload = await session.open(descriptor, labels)
          if (upload === undefined) return
          upload.cancel()
        }
        bytes ??= readBlob(blob, { maxBytes: smallBytes, signal: session.call.signal })
        await session.put(descriptor, await bytes, labels)
      }),
    ),
  )
}

/** Reads the blob from where the emptiest daemon is, and hands every stretch to all. */
async function pump({ descriptor, blob }: Leaf, receivers: readonly Receiver[]): Promise<void> {
  const signal = receivers[0]?.session.call.signal
  const onTheirWay: Promise<void>[] = []
  let at = Math.min(...receivers.map(({ upload }) => upload.resumedAt))
  for await (const stretch of stretches(blob, at, signal)) {
    at += stretch.data.byteLength
    if (at > descriptor.size)
      throw corrupt(descriptor, `is longer than its ${descriptor.size} bytes`)
    onTheirWay.push(handOut(stretch, receivers))
    if (onTheirWay.length >= window) await onTheirWay.shift()
    if (receivers.every(({ session }) => session.error !== undefined)) return
  }
  await Promise.all(onTheirWay)
  if (at !== descriptor.size) throw corrupt(descriptor, `has ${at} bytes, not ${descriptor.size}`)
}

async function handOut(stretch: Stretch, receivers: readonly Receiver[]): Promise<void> {
  const taken = await Promise.all(receivers.map(receiver => receiver.write(stretch)))
  // What failed may still be read by whoever was sending it.
  if (!taken.includes(false)) stretch.release()
}

/** One daemon that receives one blob. */
class Receiver {
  readonly session: Session
  readonly upload: Upload
  readonly #leaf: Leaf
  #told = 0

  constructor(session: Session, leaf: Leaf, upload: Upload) {
    this.session = session
    this.#leaf = leaf
    this.upload = upload
  }

  /** Whether the daemon has the stretch now. */
  async write(stretch: Stretch): Promise<boolean> {
    const { session, upload } = this
    await session.unlessOver(() => upload.write(stretch))
    if (session.error !== undefined) {
      upload.cancel()
      return false
    }
    if (Date.now() - this.#told >= progressEveryMs) {
      this.#told = Date.now()
      session.progress(this.#leaf.descriptor, stretch.at + stretch.data.byteLength)
    }
    return true
  }

  /** Commits; the session when the blob has to be sent once more from its beginning. */
  async commit(): Promise<Session | undefined> {
    const { descriptor, blob } = this.#leaf
    return this.session.unlessOver(async session => {
      try {
        await this.upload.commit(leafLabels(blob))
        session.committed(descriptor)
        return undefined
      } catch (error) {
        if (!isRefused(error)) throw error
        // The ingest stays otherwise, and every later upload would go on with what is wrong.
        await session.discard(descriptor)
        if (this.upload.resumedAt > 0) return session
        throw corrupt(descriptor, 'is not what its digest says', error)
      }
    })
  }

  cancel(): void {
    this.upload.cancel()
  }
}
