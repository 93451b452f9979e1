import { type Calls, long } from './calls.ts'
import { unlessMissing } from './missing.ts'
import type { Client } from './types.ts'

/** What keeps blobs, uploads and snapshots from the garbage collector (leases.Leases). */
export function leases(calls: Calls): Client['leases'] {
  return {
    async create(id, labels, call) {
      await calls.unary('leases.Leases/Create', { id, labels }, call)
    },
    async delete(id, { sync }, call) {
      const limit = sync ? long : undefined
      await unlessMissing(calls.unary('leases.Leases/Delete', { id, sync }, call, limit))
    },
    async list(filters, call) {
      const found = await calls.unary('leases.Leases/List', { filters }, call)
      return found.leases
    },
    async add(id, resource, call) {
      await calls.unary('leases.Leases/AddResource', { id, resource }, call)
    },
    async resources(id, call) {
      const found = await calls.unary('leases.Leases/ListResources', { id }, call)
      return found.resources
    },
  }
}
