import { isDeepStrictEqual } from 'node:util'
import {
  blobFromBytes,
  blobOf,
  childrenOf,
  type Digest,
  encodeImageConfig,
  encodeManifest,
  type History,
  mediaTypes,
  normalizePlatform,
  type Platform,
  readDocument,
  withoutNames,
} from '@orch/oci'
import { freeze } from '../freeze.ts'
import type { BuiltManifest, Layer, ManifestDraft } from '../types/build.ts'
import type { CompiledContext } from '../types/context.ts'
import { draftFor } from './draft.ts'
import { createdAt, type Layered } from './layer.ts'
import type { Stage } from './stage.ts'

/** Config and manifest of a target, frozen. */
export const manifest: Stage<Layered, BuiltManifest, CompiledContext> = {
  name: 'manifest',
  async run(layered, context, { hooks }) {
    const { under, layers, prebuilt } = layered
    const draft = await hooks.manifest.promise(freeze(draftFor(under, context)), context)
    if (prebuilt !== undefined && isUntouched(layered, draft))
      return keepManifest(prebuilt, layered, context)
    return makeManifest(draft, layers, historyOf(layered, context), context.platform)
  },
}

function isUntouched({ under, layers }: Layered, draft: ManifestDraft): boolean {
  if (under === undefined) return false
  const { rootfs: _rootfs, history: _history, ...config } = under.config
  return (
    isDeepStrictEqual(digests(layers), digests(under.layers)) &&
    isDeepStrictEqual({ ...draft.config }, config) &&
    isDeepStrictEqual({ ...draft.annotations }, { ...under.annotations })
  )
}

function digests(layers: readonly Layer[]): Digest[] {
  return layers.map(layer => layer.descriptor.digest)
}

/** An image that exists and to which nothing was added: byte for byte as it was. */
async function keepManifest(
  { source, descriptor }: NonNullable<Layered['prebuilt']>,
  { layers }: Layered,
  context: CompiledContext,
): Promise<BuiltManifest> {
  const document = await readDocument(source.content, descriptor, context.signal)
  const [config = descriptor] = childrenOf(document)
  return {
    platform: context.platform,
    descriptor: withoutNames({ ...descriptor, platform: descriptor.platform ?? context.platform }),
    manifest: await blobOf(source.content, descriptor),
    config: await blobOf(source.content, config),
    layers,
  }
}

function makeManifest(
  draft: ManifestDraft,
  layers: readonly Layer[],
  history: readonly History[],
  wanted: Platform,
): BuiltManifest {
  const config = blobFromBytes(
    encodeImageConfig({
      ...draft.config,
      rootfs: { type: 'layers', diff_ids: layers.map(item => item.diffId) },
      history,
    }),
    mediaTypes.config,
  )
  const version = draft.config['os.version']
  const platform = normalizePlatform({
    ...(version === undefined ? {} : { 'os.version': version }),
    ...wanted,
  })
  const bytes = encodeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: layers.map(item => ociLayer(item)),
    annotations: draft.annotations,
  })
  const blob = blobFromBytes(bytes, mediaTypes.manifest, { platform })
  return { platform, descriptor: blob.descriptor, manifest: blob, config, layers }
}

/** An OCI manifest names its layers by OCI media types; the bytes of Docker's types are the same. */
function ociLayer({ descriptor }: Layer): Layer['descriptor'] {
  const names: Readonly<Record<string, string>> = {
    [mediaTypes.dockerLayer]: mediaTypes.layer,
    [mediaTypes.dockerLayerGzip]: mediaTypes.layerGzip,
    [mediaTypes.dockerLayerZstd]: mediaTypes.layerZstd,
    [mediaTypes.dockerForeignLayerGzip]: mediaTypes.foreignLayerGzip,
  }
  return { ...descriptor, mediaType: names[descriptor.mediaType] ?? descriptor.mediaType }
}

/** The base's history as it is, then a line for each layer above. */
function historyOf({ under, layers }: Layered, context: CompiledContext): readonly History[] {
  const below = under?.layers ?? []
  const inherited =
    under?.config.history?.filter(line => line.empty_layer !== true).length === below.length
  const onTop = isDeepStrictEqual(digests(layers.slice(0, below.length)), digests(below))
  const created = createdAt(context)
  const line = (item: Layer): History =>
    item.history ?? { created, created_by: `orch: ${item.from}` }
  return inherited && onTop
    ? [...(under?.config.history ?? []), ...layers.slice(below.length).map(line)]
    : layers.map(line)
}
