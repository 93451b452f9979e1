import type { Calls } from './calls.ts'
import { ContainerdError } from './errors.ts'
import { unlessMissing } from './missing.ts'
import type { Client } from './types.ts'

/** Unpacked layers (snapshots.Snapshots). */
export function snapshots(calls: Calls): Client['snapshots'] {
  return {
    async exists(snapshotter, key, call) {
      const request = { snapshotter, key }
      const found = await unlessMissing(calls.unary('snapshots.Snapshots/Stat', request, call))
      return found !== undefined
    },
    async prepare(snapshotter, snapshot, call) {
      const request = { snapshotter, ...snapshot }
      const ask = () => calls.unary('snapshots.Snapshots/Prepare', request, call)
      const prepared = await ask().catch(error => {
        if (!wasInItsWay(error)) throw error
        return ask()
      })
      return prepared.mounts
    },
    async commit(snapshotter, snapshot, call) {
      await calls.unary('snapshots.Snapshots/Commit', { snapshotter, ...snapshot }, call)
    },
    async remove(snapshotter, key, call) {
      await unlessMissing(calls.unary('snapshots.Snapshots/Remove', { snapshotter, key }, call))
    },
  }
}

/**
 * Whether the daemon found a folder where it wanted to make the snapshot's own: one that it had made
 * and not written down when it was killed. It removes that folder as it fails, so that the next call succeeds.
 */
function wasInItsWay(error: unknown): boolean {
  return (
    error instanceof ContainerdError && /: (file exists|directory not empty)$/.test(error.details)
  )
}
