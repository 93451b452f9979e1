import { type Calls, long } from './calls.ts'
import { fromWire, toWire } from './descriptor.ts'
import type { Client } from './types.ts'

/** Unpacking (diff.Diff): the daemon mounts, so orch needs no root. */
export function diff(calls: Calls): Client['diff'] {
  return {
    async apply(layer, mounts, call) {
      const request = { diff: toWire(layer), mounts }
      const { applied } = await calls.unary('diff.Diff/Apply', request, call, long)
      return fromWire(applied, 'what it unpacked', calls.address)
    },
  }
}
