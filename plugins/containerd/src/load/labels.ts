import {
  type Blob,
  childrenOf,
  type Descriptor,
  type Digest,
  type Document,
  isConfigType,
  isLayerType,
  isManifestType,
} from '@orch/oci'
import type { Labels } from '../client/types.ts'

const content = 'containerd.io/gc.ref.content'

/**
 * The labels on a document by which garbage collection finds what it points at, named as containerd's
 * own client does (core/images, ChildGCLabels). A child that is not `there`, a foreign layer, gets none.
 */
export function childLabels(document: Document, there: ReadonlySet<Digest>): Labels {
  const labels: Record<string, string> = {}
  const counts = new Map<string, number>()
  for (const child of childrenOf(document)) {
    const kind = kindOf(child)
    const at = counts.get(kind) ?? 0
    counts.set(kind, at + 1)
    if (!there.has(child.digest)) continue
    labels[kind === 'config' ? `${content}.config` : `${content}.${kind}${at}`] = child.digest
  }
  return labels
}

function kindOf({ mediaType }: Descriptor): string {
  if (isConfigType(mediaType)) return 'config'
  if (isManifestType(mediaType)) return 'm.'
  return isLayerType(mediaType) ? 'l.' : ''
}

/** The label on a config by which garbage collection keeps the snapshot of its layers. */
export function snapshotLabel(snapshotter: string, chainId: Digest): Labels {
  return { [`containerd.io/gc.ref.snapshot.${snapshotter}`]: chainId }
}

/** The label on a layer that was unpacked, by which it need not be unpacked again to know its diffID. */
export function uncompressedLabel(diffId: Digest): Labels {
  return { 'containerd.io/uncompressed': diffId }
}

const source = 'containerd.io/distribution.source.'

/** Where a blob came from, so that a push to the same registry may mount it. */
export function originLabels({ origins = [] }: Blob): Labels {
  const repositories = Map.groupBy(origins, ({ registry }) => registry)
  return Object.fromEntries(
    [...repositories].map(([registry, items]) => [
      `${source}${registry}`,
      items.map(({ repository }) => repository).join(','),
    ]),
  )
}

/** What such labels say; what is no repository's name is passed over. */
export function originsIn(labels: Labels): NonNullable<Blob['origins']> {
  return Object.entries(labels).flatMap(([key, value]) => {
    if (!key.startsWith(source)) return []
    const repositories = value.split(',').filter(item => /^[a-z0-9][a-z0-9._/-]*$/.test(item))
    return repositories.map(repository => ({ registry: key.slice(source.length), repository }))
  })
}

/** The labels of `wanted` that `there` lacks or has otherwise. */
export function lacking(there: Labels, wanted: Labels): Labels {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => there[key] !== value))
}
