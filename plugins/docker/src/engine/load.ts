import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { isObject, type JsonObject, OrchError } from '@orch/oci'
import { engineError, saidError } from './errors.ts'
import type { Line } from './line.ts'
import { jsonMessages } from './messages.ts'
import { type Calling, dockerode } from './modem.ts'
import type { LoadMessage } from './types.ts'

/** What the call is called in messages. */
const what = 'POST /images/load'
/** How long the archive may take to let go of what it holds when nobody wants more of it, in milliseconds. */
const graceMs = 2_000

/** What goes into a load. */
export interface Load {
  readonly archive: AsyncIterable<Uint8Array>
  /** Of the archive, in bytes, if that is known. */
  readonly length?: number | undefined
  readonly onMessage: (message: LoadMessage) => void
}

/** `Engine.load`: see there. */
export async function load(line: Line, calling: Calling, given: Load): Promise<void> {
  const { signal } = calling
  signal.throwIfAborted()
  let broken: { readonly error: unknown } | undefined
  const archive = Readable.from(
    watched(given.archive, error => {
      broken ??= { error }
    }),
  )
  archive.on('error', () => {}) // It is in `broken`.
  const tell = (message: LoadMessage): void => {
    try {
      given.onMessage(message)
    } catch (error) {
      broken ??= { error }
      throw error
    }
  }
  try {
    const docker = await dockerode(line, { ...calling, length: given.length })
    const answer = await docker.loadImage(archive, { quiet: '0' })
    for await (const message of jsonMessages(answer as AsyncIterable<Buffer>)) {
      const heard = meaningOf(line, message)
      if (heard !== undefined) tell(heard)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (broken !== undefined) throw broken.error
    throw loadError(line, error)
  } finally {
    await released(archive)
  }
}

/** What a message says; undefined when that is nothing new. Throws `DOCKER_LOAD`, `DOCKER_FULL`. */
function meaningOf({ endpoint }: Line, message: JsonObject): LoadMessage | undefined {
  const { error, errorDetail, id, progressDetail: progress, status, stream } = message
  const detail = isObject(errorDetail) ? errorDetail['message'] : undefined
  if (error !== undefined || errorDetail !== undefined) {
    const words = [detail, error].find(item => typeof item === 'string' && item !== '')
    throw saidError(endpoint, what, String(words ?? 'an error without words'), 'DOCKER_LOAD')
  }
  if (typeof id === 'string') {
    const { current, total } = isObject(progress) ? progress : {}
    const counts = typeof current === 'number' && typeof total === 'number'
    return counts ? { kind: 'progress', id, current, total } : undefined
  }
  const text = [stream, status].find(item => typeof item === 'string')
  return typeof text === 'string' && text.trim() !== ''
    ? { kind: 'said', text: text.trim() }
    : undefined
}

function loadError({ endpoint }: Line, error: unknown): unknown {
  const found = engineError(endpoint, what, error)
  if (!(found instanceof OrchError) || found.code !== 'DOCKER_FAILED') return found
  const { message, hint } = found
  return new OrchError('DOCKER_LOAD', message, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** The archive, whose own errors are told apart from those of the connection. */
async function* watched(
  archive: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* archive
  } catch (error) {
    onError(error)
    throw error
  }
}

async function released(archive: Readable): Promise<void> {
  if (archive.closed) return
  const closed = new Promise<void>(resolve => archive.once('close', resolve))
  archive.destroy()
  const giveUp = new AbortController()
  await Promise.race([closed, delay(graceMs, undefined, { signal: giveUp.signal }).catch(() => {})])
  giveUp.abort()
}
