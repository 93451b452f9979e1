import { type Digest, isDigest, isObject, type Json, OrchError } from '@orch/oci'
import { isMovable, registryName } from './source-ref.ts'
import type { SourceRef } from './types/build.ts'
import type { BuildContext } from './types/context.ts'

/** The name under which the store keeps what `orch fetch` found a base's tag to mean. */
export function keptTag(ref: SourceRef): string {
  return `tag ${registryName(ref)}`
}

/** What is kept under it. */
export function keptTagData(digest: Digest): Json {
  return { digest }
}

/**
 * The digest to which a base in a registry is held: by `orch.lock`, else with `offline` by what
 * `orch fetch` found last. Undefined when the reference decides, as it does with a digest of its own.
 * Throws `OFFLINE` when only the registry could tell.
 */
export async function pinOf(ref: SourceRef, context: BuildContext): Promise<Digest | undefined> {
  const { plan, store, offline } = context
  const locked = lockOf(ref.text, plan.locks)
  if (locked !== undefined) return locked
  if (!offline || !isMovable(ref)) return undefined
  const kept = await store.kept(keptTag(ref))
  const digest = isObject(kept) ? kept['digest'] : undefined
  if (typeof digest === 'string' && isDigest(digest)) return digest
  const why = `the base ${ref.text} is in a registry, and neither orch.lock nor the cache says its digest`
  throw new OrchError('OFFLINE', why, {
    hint: 'With the network there, run orch fetch once; without it only what was fetched can be had.',
  })
}

/** The digest to which a lock file holds a base. */
function lockOf(base: string, locks: Readonly<Record<string, Digest>> = {}): Digest | undefined {
  return Object.hasOwn(locks, base) ? locks[base] : undefined
}
