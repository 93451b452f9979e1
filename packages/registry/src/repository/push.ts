import { type Blob, OrchError } from '@orch/oci'
import { discard } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import type { Pushed } from '../types.ts'
import { ask, type Context, pullScope, pushScope } from './context.ts'
import { pause } from './patience.ts'
import { isComplete } from './presence.ts'
import { abandon, type Session, startSession, uploadsTarget } from './session.ts'
import { Upload } from './upload.ts'

/** So many repositories are tried to mount a blob from. */
const maxMounts = 2
const mountTries = 2

export interface PushOptions {
  readonly signal?: AbortSignal | undefined
  readonly progress?: (sent: number) => void
}

/** `Repository.push`: pushes of one blob to one registry go one after another, so that it is sent once. */
export function push(context: Context, blob: Blob, options: PushOptions): Promise<Pushed> {
  const bring = async (): Promise<Pushed> => {
    const pushed = await broughtThere(context, blob, options)
    context.holdings.add(blob.descriptor.digest, context.path)
    return pushed
  }
  return context.holdings.pushes.take(blob.descriptor.digest, bring, options.signal)
}

async function broughtThere(context: Context, blob: Blob, options: PushOptions): Promise<Pushed> {
  const { holdings, path } = context
  const { digest } = blob.descriptor
  if (holdings.has(digest, path)) return 'there'
  let session: Session | undefined
  if (!holdings.isDoubted(digest, path)) {
    if (await isComplete(context, blob.descriptor, options.signal)) return 'there'
    const answer = await mount(context, blob, options.signal)
    if (answer === 'mounted') return answer
    session = answer
  }
  await new Upload(context, blob, options).run(session)
  return 'sent'
}

/** Mounts from a repository of the same registry, or gives the upload that the registry began instead. */
async function mount(
  context: Context,
  blob: Blob,
  signal: AbortSignal | undefined,
): Promise<'mounted' | Session | undefined> {
  let session: Session | undefined
  for (const from of sourcesOf(context, blob)) {
    if (session !== undefined) await abandon(context, session.location)
    session = undefined
    const response = await mountFrom(context, blob, from, signal)
    if (response?.status === 201) return 'mounted'
    if (response?.status === 202) session = startSession(context, response)
  }
  return session
}

function sourcesOf({ domain, path, holdings }: Context, blob: Blob): readonly string[] {
  const origins = (blob.origins ?? []).filter(({ registry }) => registry === domain)
  const sources = new Set(holdings.holders(blob.descriptor.digest))
  for (const { repository } of origins) sources.add(repository)
  sources.delete(path)
  return [...sources].slice(0, maxMounts)
}

/**
 * Asks for a mount; undefined when it was refused, which no push fails of. It always says from where,
 * since Quay refuses one that does not; the token must allow to pull there (Docker Hub).
 */
async function mountFrom(
  context: Context,
  blob: Blob,
  from: string,
  signal: AbortSignal | undefined,
): Promise<RegistryResponse | undefined> {
  const query = `mount=${encodeURIComponent(blob.descriptor.digest)}&from=${encodeURIComponent(from)}`
  for (let tries = 1; ; tries++) {
    try {
      const response = await ask(context, {
        method: 'POST',
        target: `${uploadsTarget(context)}?${query}`,
        scopes: [pushScope(context.path), pullScope(from)],
        isRepeatable: false, // sending the blob is better than to wait long for this
        signal,
      })
      await discard(response)
      return response
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof OrchError)) throw error
      if (tries === mountTries || error.code === 'REGISTRY_DENIED') return undefined
      await pause(Math.random() * 500, signal)
    }
  }
}
