import { basesNamed, type ImagePlan, isMovable, type Plugin, parseSourceRef } from '@orch/core'
import { UsageError } from '@orch/oci'
import type { Locks } from './file.ts'

/**
 * The bases of images that a lock holds: those in registries without a digest of their own, each once, in
 * order. Throws `REFERENCE_INVALID`.
 */
export function lockableBases(
  images: readonly Pick<ImagePlan, 'base'>[],
  plugins: readonly Plugin[],
): readonly string[] {
  const schemes = new Set(plugins.flatMap(({ sources = [] }) => sources))
  const named = new Set(images.flatMap(basesNamed))
  return [...named].filter(base => isMovable(parseSourceRef(base, schemes)))
}

/** Throws `LOCK_STALE` when the lock lacks a base that is needed. */
export function checkLocked(
  needed: readonly string[],
  locks: Locks | undefined,
  file: string,
): void {
  const lacking = needed.filter(base => locks === undefined || !Object.hasOwn(locks, base))
  if (lacking.length === 0) return
  const why =
    locks === undefined
      ? `there is no ${file} to hold ${lacking.join(', ')}`
      : `${file} does not hold ${lacking.join(', ')}`
  throw new UsageError('LOCK_STALE', why, { hint: 'Run: orch lock' })
}
