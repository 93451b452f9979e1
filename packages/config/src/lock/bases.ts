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

/**
 * Throws `LOCK_STALE` when `orch lock` would change the lock on account of what is needed, or of what no
 * image of the project has.
 * @param all the bases of all images, of which `needed` are some
 */
export function checkLocked(
  needed: readonly string[],
  all: readonly string[],
  locks: Locks | undefined,
  file: string,
): void {
  const lacking = needed.filter(base => locks === undefined || !Object.hasOwn(locks, base))
  const surplus = Object.keys(locks ?? {}).filter(base => !all.includes(base))
  if (lacking.length === 0 && surplus.length === 0) return
  const why =
    locks === undefined
      ? `there is no ${file} to hold ${lacking.join(', ')}`
      : lacking.length > 0
        ? `${file} does not hold ${lacking.join(', ')}`
        : `${file} holds ${surplus.join(', ')}, which no image has as its base`
  throw new UsageError('LOCK_STALE', why, { hint: 'Run: orch lock' })
}
