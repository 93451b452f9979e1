import { randomUUID } from 'node:crypto'
import { isAlive, ownerFromName, ownerToName, thisProcess } from '@orch/oci'
import { hasStatus } from '../client/errors.ts'
import type { CallOptions, Client } from '../client/types.ts'

/** What would remain of a process that is gone for good goes by itself after a day, as with the Go client. */
const lifetimeMs = 24 * 60 * 60 * 1000
const ownerLabel = 'orch.owner'

/** A name for a lease that no other has. */
export function newLease(): string {
  return `orch-${randomUUID()}`
}

/** Takes the lease in the name of this process, unless it is held already: what is written under it is kept from garbage collection. */
export async function takeLease(client: Client, id: string, call: CallOptions): Promise<void> {
  const expire = new Date(Date.now() + lifetimeMs).toISOString()
  const labels = { 'containerd.io/gc.expire': expire, [ownerLabel]: ownerToName(thisProcess()) }
  try {
    await client.leases.create(id, labels, call)
  } catch (error) {
    if (!hasStatus(error, 'ALREADY_EXISTS')) throw error
  }
}

/**
 * Gives back the leases of processes of orch that died, and with them what they alone held. To be done
 * last, when what is still of use is held by a lease or an image of the living.
 */
export async function sweepLeases(client: Client, call: CallOptions): Promise<void> {
  for (const { id, labels } of await client.leases.list([], call)) {
    const owner = ownerFromName(labels[ownerLabel] ?? '')
    if (owner !== undefined && !isAlive(owner)) await client.leases.delete(id, { sync: true }, call)
  }
}
