import type { Calls } from './calls.ts'
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
      const prepared = await calls.unary('snapshots.Snapshots/Prepare', request, call)
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
