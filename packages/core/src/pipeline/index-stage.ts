import {
  type Blob,
  blobFromBytes,
  type Digest,
  encodeIndex,
  mediaTypes,
  OrchError,
  parseIndex,
} from '@orch/oci'
import { freeze } from '../freeze.ts'
import type { Base, BuiltImage, BuiltManifest, IndexDraft } from '../types/build.ts'
import type { ImageContext } from '../types/context.ts'
import { baseAnnotations } from './draft.ts'
import type { Stage } from './stage.ts'

/** The manifests of an image and the base that all of them share, if they do. */
export interface Assembled {
  readonly manifests: readonly BuiltManifest[]
  readonly base: Base | undefined
}

/** One index over the manifests, and every blob below it. */
export const index: Stage<Assembled, BuiltImage, ImageContext> = {
  name: 'index',
  async run({ manifests, base }, context, { hooks }) {
    const { image } = context
    const draft: IndexDraft = await hooks.index.promise(
      freeze({
        manifests: manifests.map(item => item.descriptor),
        annotations: { ...baseAnnotations(base), ...image.annotations },
        extra: [],
      }),
      context,
    )
    const bytes = encodeIndex({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: draft.manifests,
      annotations: draft.annotations,
    })
    const root = blobFromBytes(bytes, mediaTypes.index)
    const blobs = new Map<Digest, Blob>()
    for (const item of manifests) {
      for (const blob of [item.config, ...item.layers.map(layer => layer.blob), item.manifest])
        add(blobs, blob)
    }
    for (const blob of [...draft.extra, root]) add(blobs, blob)
    return {
      name: image.name,
      references: image.tags,
      root: root.descriptor,
      index: parseIndex(bytes),
      manifests,
      content: { blob: async descriptor => need(blobs, descriptor.digest, image.name) },
    }
  },
}

function add(blobs: Map<Digest, Blob>, blob: Blob): void {
  blobs.set(blob.descriptor.digest, blob)
}

function need(blobs: ReadonlyMap<Digest, Blob>, digest: Digest, image: string): Blob {
  const blob = blobs.get(digest)
  if (blob === undefined) {
    throw new OrchError(
      'BLOB_MISSING',
      `image ${image}: its index names ${digest}, which no stage made`,
      {
        hint: 'A plugin that adds a manifest to the index adds its blobs to extra.',
      },
    )
  }
  return blob
}
