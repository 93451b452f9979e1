import type { Calls } from './calls.ts'
import { unlessMissing } from './missing.ts'
import type { Client } from './types.ts'

/** Namespaces, which come into being with the first write (namespaces.Namespaces). */
export function namespaces(calls: Calls): Client['namespaces'] {
  return {
    async list(call) {
      const found = await calls.unary('namespaces.Namespaces/List', {}, call)
      return found.namespaces.map(({ name }) => name)
    },
    async labels(call) {
      const request = { name: calls.namespace }
      const found = await unlessMissing(calls.unary('namespaces.Namespaces/Get', request, call))
      return found?.namespace?.labels ?? {}
    },
  }
}
