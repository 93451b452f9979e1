import { randomBytes } from 'node:crypto'
import {
  blobOf,
  chooseManifest,
  type Descriptor,
  type Digest,
  imageConfigIn,
  isConfigType,
  isLayerType,
  type Manifest,
  OrchError,
  type Platform,
  type PlatformManifest,
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

/** Unpacks one manifest's layers into snapshots, and ties them to its config. Whether there was something to unpack. */
export async function unpack(
  session: Session,
  { descriptor }: PlatformManifest,
  snapshotter: string,
): Promise<boolean> {
  const { content } = session.load
  const found = content.documents.find(document => document.descriptor.digest === descriptor.digest)
  if (found?.document.kind !== 'manifest') return false
  const { config } = found.document.manifest
  const layers = filesystemLayers(found.document.manifest.layers)
  const chain = await chainOf(session, config)
  const top = chain.at(-1)
  if (top === undefined || layers.length === 0) return false // no image: nothing runs it
  if (!(await hold(session, snapshotter, top.chainId))) {
    for (const [at, layer] of layers.entries()) {
      const link = chain[at]
      if (link === undefined) break // the survey has compared the counts
      if (await hold(session, snapshotter, link.chainId)) continue
      const parent = chain[at - 1]?.chainId ?? ''
      await unpackLayer(session, { layer, ...link, parent, snapshotter })
    }
  }
  const label = snapshotLabel(snapshotter, top.chainId)
  await session.client.content.label(config.digest, label, session.call)
  return true
}

/** The diffIDs that an image's config names, with the chainIDs that they make; none of what is no image. */
async function chainOf(
  { load, call }: Session,
  config: Descriptor,
): Promise<readonly { readonly diffId: Digest; readonly chainId: Digest }[]> {
  if (!isConfigType(config.mediaType)) return []
  const blob = await blobOf(load.content.source.content, config)
  const bytes = await readBlob(blob, { signal: call.signal })
  const diffIds = imageConfigIn(bytes, `config ${config.digest}`)?.rootfs.diff_ids ?? []
  const chain = chainIds(diffIds)
  return diffIds.map((diffId, at) => ({ diffId, chainId: chain[at] ?? diffId }))
}

function filesystemLayers(layers: Manifest['layers']): Manifest['layers'] {
  return layers.filter(({ mediaType }) => isLayerType(mediaType))
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
