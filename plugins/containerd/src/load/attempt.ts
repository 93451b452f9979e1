import { atOnce, type PlatformManifest } from '@orch/oci'
import type { Client } from '../client/types.ts'
import { checkBlobs, checkRecords, findThere, relabel } from './check.ts'
import { takeLease } from './lease.ts'
import { recordLabels, writeRecords } from './record.ts'
import { type Load, type Sent, Session } from './session.ts'
import { chooseSnapshotter, type Snapshotter } from './snapshotter.ts'
import { transfer } from './transfer.ts'
import { manifestsToUnpack, unpack } from './unpack.ts'

/** What is to be unpacked, and where. */
export interface Unpacking {
  readonly snapshotter: Snapshotter
  readonly manifests: readonly PlatformManifest[]
}

/** What an attempt begins with. */
export interface Beginning {
  readonly session: Session
  /** Undefined when nothing is to be unpacked, and then nobody asks for a snapshotter. */
  readonly unpacking: Unpacking | undefined
}

/** Looks whether all can be done as it is asked for, takes the lease, and finds out what is there already. */
export async function begin(
  load: Load,
  client: Client,
  held: { readonly lease: string; readonly sent: Sent },
): Promise<Beginning> {
  const { content, options, context } = load
  const call = { signal: context.signal }
  const unpacking =
    options.unpack === 'none' ? undefined : await planUnpacking(load, client, options.snapshotter)
  await takeLease(client, held.lease, call)
  const there = await findThere(content, digest => client.content.info(digest, call))
  const session = new Session(load, client, held, there)
  for (const { descriptor } of [...content.leaves, ...content.documents])
    if (!session.had(descriptor)) session.progress(descriptor, 0)
  return { session, unpacking }
}

async function planUnpacking(
  load: Load,
  client: Client,
  wanted: string | undefined,
): Promise<Unpacking> {
  const { signal } = load.context
  const snapshotter = await chooseSnapshotter(client, wanted, { signal })
  return { snapshotter, manifests: manifestsToUnpack(load, snapshotter.platform) }
}

/** Brings every blob of the sessions into their daemons, each read once. Throws when the source fails. */
export async function sendLeaves(sessions: readonly Session[]): Promise<void> {
  const leaves = new Map(
    sessions.flatMap(({ load }) => load.content.leaves.map(leaf => [leaf.descriptor.digest, leaf])),
  )
  const wants = ({ load }: Session, digest: string): boolean =>
    load.content.leaves.some(leaf => leaf.descriptor.digest === digest)
  await atOnce([...leaves.values()], leaf =>
    transfer(
      leaf,
      sessions.filter(session => wants(session, leaf.descriptor.digest)),
    ),
  )
}

/** Everything after the leaves, in the order that survives garbage collection at any instant. */
export async function complete({ session, unpacking }: Beginning): Promise<void> {
  const { load, client, call } = session
  if (session.error !== undefined) throw session.error
  for (const { descriptor, document, labels } of load.content.documents)
    await session.put(descriptor, labels, async () => document.bytes)
  await checkBlobs(session)
  for (const manifest of unpacking?.manifests ?? [])
    if (await unpack(session, manifest, unpacking?.snapshotter.name ?? ''))
      session.unpacked.push(manifest.platform)
  const { root } = load.content.source
  const record = {
    target: { mediaType: root.mediaType, digest: root.digest, size: root.size },
    labels: recordLabels({ ...load.options, namespace: client.namespace }),
  }
  await writeRecords(client, load.names, record, call, async () => {
    await checkBlobs(session)
    await checkRecords(session)
    await relabel(session)
  })
}
