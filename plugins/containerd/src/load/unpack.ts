import { randomBytes } from 'node:crypto'
import {
  blobOf,
  chooseManifest,
  type Digest,
  isConfigType,
  layerCompression,
  type Manifest,
  OrchError,
  type Platform,
  type PlatformManifest,
  parseImageConfig,
  readBlob,
  selectPlatform,
} from '@orch/oci'
import { hasStatus } from '../client/errors.ts'
import { chainIds } from './chain.ts'
import { snapshotLabel, uncompressedLabel } from './labels.ts'
import type { Load, Session } from './session.ts'

/** The manifests that are to be unpacked on this host. Throws `PLATFORM_MISSING` for one that was named and is not there. */
export function manifestsToUnpack(
  { content, options, image }: Load,
  host: Platform,
): readonly PlatformManifest[] {
  const { manifests } = content
  const { unpack } = options
  if (unpack === 'none') return []
  if (unpack === 'all') return manifests.filter(({ platform }) => platform.os === host.os)
  if (unpack === 'host') {
    const found = selectPlatform(host, manifests, 'loose')
    return found === undefined ? [] : [found]
  }
  const what = `what is loaded of image ${image.name}`
  return unpack.map(wanted => chooseManifest(manifests, wanted, { what }))
}

/** Unpacks one manifest's layers into snapshots, and ties them to its config. */
export async function unpack(
  session: Session,
  { descriptor }: PlatformManifest,
  snapshotter: string,
): Promise<void> {
  const { content } = session.load
  const found = content.documents.find(document => document.descriptor.digest === descriptor.digest)
  if (found?.document.kind !== 'manifest') return
  const { config, layers } = found.document.manifest
  if (!isConfigType(config.mediaType)) return // no image: nothing runs it
  const bytes = await readBlob(await blobOf(content.source.content, config), {
    signal: session.call.signal,
  })
  const diffIds = parseImageConfig(bytes, `config ${config.digest}`).rootfs.diff_ids
  const chain = chainIds(diffIds)
  const top = chain.at(-1)
  if (top === undefined) return
  if (!(await hold(session, snapshotter, top))) {
    for (const [at, layer] of filesystemLayers(layers).entries()) {
      const [diffId, chainId] = [diffIds[at], chain[at]]
      if (diffId === undefined || chainId === undefined) break // the survey has compared the counts
      const parent = chain[at - 1] ?? ''
      if (await hold(session, snapshotter, chainId)) continue
      await unpackLayer(session, { layer, diffId, chainId, parent, snapshotter })
    }
  }
  await session.client.content.label(config.digest, snapshotLabel(snapshotter, top), session.call)
}

function filesystemLayers(layers: Manifest['layers']): Manifest['layers'] {
  return layers.filter(({ mediaType }) => layerCompression(mediaType) !== undefined)
}

/** Whether the snapshot is there, held by the lease from now on. */
async function hold(session: Session, snapshotter: string, chainId: Digest): Promise<boolean> {
  const { client, lease, call } = session
  if (!(await client.snapshots.exists(snapshotter, chainId, call))) return false
  await client.leases.add(lease, { id: chainId, type: `snapshots/${snapshotter}` }, call)
  // It may have been collected before the lease held it.
  return client.snapshots.exists(snapshotter, chainId, call)
}

interface Step {
  readonly layer: Manifest['layers'][number]
  readonly diffId: Digest
  readonly chainId: Digest
  readonly parent: Digest | ''
  readonly snapshotter: string
}

async function unpackLayer(session: Session, step: Step): Promise<void> {
  const { client, call } = session
  const { snapshots } = client
  const { layer, diffId, chainId, parent, snapshotter } = step
  const key = `extract-${Date.now()}-${randomBytes(4).toString('hex')} ${chainId}`
  const labels = { 'containerd.io/snapshot.ref': chainId }
  try {
    const mounts = await snapshots.prepare(snapshotter, { key, parent, labels }, call)
    const applied = await client.diff.apply(layer, mounts, call)
    if (applied.digest !== diffId) {
      throw new OrchError(
        'DIFF_ID_WRONG',
        `layer ${layer.digest} unpacks to ${applied.digest}, but the config says ${diffId}`,
        { hint: 'The image contradicts itself; build it again.' },
      )
    }
    await snapshots.commit(snapshotter, { key, name: chainId, labels: {} }, call)
  } catch (error) {
    await removeQuietly(session, snapshotter, key)
    // Someone else unpacked the same layer, or a remote snapshotter has it already.
    if (!hasStatus(error, 'ALREADY_EXISTS')) throw error
    if (!(await hold(session, snapshotter, chainId))) throw error
  }
  await client.content.label(layer.digest, uncompressedLabel(diffId), call)
}

/** What cannot be removed now goes with the lease; the error that led here is the one to tell. */
async function removeQuietly(session: Session, snapshotter: string, key: string): Promise<void> {
  const call = { lease: session.lease, signal: AbortSignal.timeout(2000) }
  await session.client.snapshots.remove(snapshotter, key, call).catch(() => {})
}
