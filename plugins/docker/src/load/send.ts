import {
  type ArchiveParts,
  archiveEntries,
  type Blob,
  blobEntry,
  type Digest,
  type Entry,
  largeTarBytes,
  largeTarSize,
  OrchError,
  verifiedBytes,
} from '@orch/oci'
import { saidError } from '../engine/errors.ts'
import type { LoadMessage } from '../engine/types.ts'
import { isOlder, tellsManifests } from '../engine/version.ts'
import type { Request } from './request.ts'

/** What goes into a load. */
export interface Sending extends ArchiveParts {
  /** When to begin. */
  readonly turn?: Promise<unknown> | undefined
  /** All these parts are on their way. */
  readonly sent?: (() => void) | undefined
  /** Asked then: what else must go. An engine unpacks nothing before the end. */
  readonly last?: (() => Promise<readonly Blob[]>) | undefined
}

/** How many blobs, and bytes of them. */
export interface Count {
  readonly blobs: number
  readonly bytes: number
}

const everyMs = 100
/** Blobs up to this size are checked here: that costs nothing. */
const smallBytes = 1024 * 1024
/** An engine that is sent pieces holds two of them: the one that is on its way, and the next. */
const reuseAfter = 8

/**
 * Streams an archive of these parts into the engine and tells how far it is. Throws what the engine's
 * `load` throws, the same for unpacking that failed, which it says in an answer that is otherwise good, and
 * `BLOB_CORRUPT` when the engine fails since a blob is not what its digest says.
 * @param onLayer a graph driver begins with a layer, named by the first 12 digits of its diffID
 */
export async function send(
  request: Request,
  { turn, sent, last, ...parts }: Sending,
  root: Digest,
  onLayer: (id: string) => void = () => {},
): Promise<Count> {
  const { engine, context } = request
  const { signal } = context
  const blobs = [...parts.blobs]
  let failed: string | undefined
  const tell = (what: string, current: number, total: number): void =>
    context.events.emit({
      type: 'progress',
      image: request.image.name,
      exporter: request.exporter,
      place: engine.where,
      what,
      current,
      total,
    })
  const onMessage = (message: LoadMessage): void => {
    if (message.kind === 'progress') {
      const { id, current, total } = message
      onLayer(id)
      tell(`unpacking ${id}`, current, total)
      return
    }
    const text = message.text.trim()
    if (/^Error unpacking/i.test(text)) failed ??= text
  }
  const isTrusted = ({ content }: { content: Blob }): boolean =>
    content.descriptor.size > smallBytes && checksLayers(request)
  const entries = async function* (): AsyncGenerator<Entry, void, undefined> {
    yield* archiveEntries(parts)
    sent?.()
    const more = (await last?.()) ?? []
    blobs.push(...more)
    yield* more.map(blobEntry)
  }
  const bytesOf = largeTarBytes(entries(), { isTrusted, reuseAfter, signal })
  const archive = watched(bytesOf, current => {
    const { bytes } = countOf(blobs)
    tell(root, Math.min(current, bytes), bytes)
  })
  // Before a connection is taken: of some engines there are few, and those before may need theirs.
  await turn
  try {
    const length = last === undefined ? await largeTarSize(archiveEntries(parts)) : undefined
    await engine.load(archive, { signal, length, onMessage })
    if (failed !== undefined) throw saidError(engine, 'POST /images/load', failed, 'DOCKER_LOAD')
  } catch (error) {
    if (isFailedLoad(error)) await checkSources(blobs, signal)
    throw error
  }
  return countOf(blobs)
}

/** How much these blobs are. */
export function countOf(blobs: readonly Blob[]): Count {
  const bytes = blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0)
  return { blobs: blobs.length, bytes }
}

/**
 * Whether a layer that is not what its digest says cannot become part of an image there. A graph driver
 * compares diffIDs with the config, whose digest is the ID; a containerd store names content by its own
 * digest, and then tells that the image lacks something.
 */
function checksLayers({ engine: { info } }: Request): boolean {
  return info.store === 'graph-driver' || !isOlder(info.apiVersion, tellsManifests)
}

/** Whether the engine could not make an image of what it was sent: it may lack what it was not sent. */
export function isFailedLoad(error: unknown): error is OrchError {
  return error instanceof OrchError && ['DOCKER_LOAD', 'DOCKER_INCOMPLETE'].includes(error.code)
}

/**
 * Looks whether a load failed since its source lies. Throws `BLOB_CORRUPT` then; a source that cannot be read
 * again says nothing.
 */
export async function checkSources(blobs: readonly Blob[], signal: AbortSignal): Promise<void> {
  for (const blob of blobs) {
    try {
      for await (const _ of verifiedBytes(blob.open({ signal }), blob.descriptor));
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof OrchError && error.code === 'BLOB_CORRUPT') throw error
    }
  }
}

/** Passes an archive on; what it has beyond its blobs is little, and counts for nothing. */
async function* watched(
  archive: AsyncIterable<Uint8Array>,
  tell: (current: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let passed = 0
  let told = 0
  tell(0)
  for await (const chunk of archive) {
    yield chunk
    passed += chunk.byteLength
    if (Date.now() - told < everyMs) continue
    told = Date.now()
    tell(passed)
  }
  tell(passed)
}
