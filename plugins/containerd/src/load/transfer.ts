import { type Descriptor, OrchError, readBlob, type Stretch, stretches } from '@orch/oci'
import { headRoom } from '../client/types.ts'
import type { Leaf } from './content.ts'
import { originLabels } from './labels.ts'
import type { Session } from './session.ts'
import { Slots } from './slots.ts'
import { isRefused, type Upload } from './upload.ts'

/** Blobs up to this size go in one message. */
const smallBytes = 1024 * 1024
/** How much of a large blob goes in one message, the daemon takes up to 16 MiB; and memory for the message's head before it. */
const frame = { room: headRoom, bytes: 2 * 1024 * 1024 }
/** Messages of one blob that are on their way at once. */
const window = 2
/** How often progress is told, in milliseconds. */
const progressEveryMs = 100

/** Blobs on their way at once in this process: more would only divide the disk and the memory. */
const slots = new Slots(3)

/**
 * Brings one blob into every daemon that lacks it, reading it once. A daemon that fails drops out, its
 * session says why; the others go on. Throws when the source fails.
 */
export async function transfer(leaf: Leaf, sessions: readonly Session[]): Promise<void> {
  const { descriptor } = leaf
  const waiting = sessions.filter(session => !session.isSettled(descriptor))
  if (waiting.length === 0) return
  const places = Map.groupBy(waiting, session => session.keyOf(descriptor))
  const firsts = [...places.values()].flatMap(([first]) => first ?? [])
  const again = await slots.run([...places.keys()], async () => {
    if (descriptor.size > smallBytes) return transferLarge(leaf, firsts)
    await transferSmall(leaf, firsts)
    return []
  })
  // Several of one place: the daemon has the blob now. And whom somebody else kept waiting, one by one,
  // since nobody may wait who holds what others wait for.
  const rest = waiting.filter(session => !firsts.includes(session))
  for (const session of [...again, ...rest]) await transfer(leaf, [session])
}

/** Gives the sessions that have to be served once more, each by itself. */
async function transferLarge(
  leaf: Leaf,
  sessions: readonly Session[],
): Promise<readonly Session[]> {
  const { descriptor, blob } = leaf
  const labels = originLabels(blob)
  const locked: Session[] = []
  const opened = await Promise.all(
    sessions.map(session =>
      session.unlessOver(async () => {
        const upload = await session.open(descriptor, labels, sessions.length === 1)
        if (upload === 'locked') locked.push(session)
        return typeof upload === 'string' ? [] : [new Receiver(session, leaf, upload)]
      }),
    ),
  )
  const receivers = opened.flatMap(found => found ?? [])
  if (receivers.length === 0) return locked
  try {
    await pump(leaf, receivers)
  } catch (error) {
    for (const receiver of receivers) receiver.cancel()
    throw error
  }
  // What an earlier upload had left was no part of this blob: from the beginning.
  const refused = await Promise.all(receivers.map(receiver => receiver.commit()))
  return [...locked, ...refused.flatMap(session => session ?? [])]
}

async function transferSmall(
  { descriptor, blob }: Leaf,
  sessions: readonly Session[],
): Promise<void> {
  let bytes: Promise<Uint8Array> | undefined
  await Promise.all(
    sessions.map(session =>
      session.unlessOver(() =>
        session.put(descriptor, originLabels(blob), () => {
          bytes ??= readBlob(blob, { maxBytes: smallBytes, signal: session.call.signal })
          return bytes
        }),
      ),
    ),
  )
}

/** Reads the blob from where the emptiest daemon is, and hands every stretch to all. */
async function pump({ descriptor, blob }: Leaf, receivers: readonly Receiver[]): Promise<void> {
  const signal = receivers[0]?.session.call.signal
  const onTheirWay: Promise<void>[] = []
  const start = Math.min(...receivers.map(({ upload }) => upload.resumedAt))
  let at = start
  for await (const stretch of stretches(blob, { start, frame, signal })) {
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
        await this.upload.commit(originLabels(blob))
        session.committed(descriptor, this.upload.sent)
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

/** The content of a source is not what its descriptor says. */
function corrupt({ digest, mediaType }: Descriptor, why: string, cause?: unknown): OrchError {
  return new OrchError('BLOB_CORRUPT', `blob ${digest} (${mediaType}) ${why}`, {
    hint: 'Its source is damaged or lies; fetch or build it again.',
    cause,
  })
}
