import {
  blobOf,
  checkLayer,
  childrenOf,
  type ImageSource,
  layerCompression,
  manifestFor,
  OrchError,
  type Platform,
  parseImageConfig,
  readBlob,
  readDocument,
} from '@orch/oci'
import type { Base, Layer } from '../types/build.ts'
import type { ImageContext } from '../types/context.ts'
import type { Workshop } from './stage.ts'

/** Opens an image's base; undefined for `scratch`. */
export async function openBase(
  context: ImageContext,
  { sources }: Workshop,
): Promise<ImageSource | undefined> {
  const { base } = context.image
  return base === undefined ? undefined : sources.open(base, context)
}

/** The base's manifest for a platform. Throws `PLATFORM_MISSING`, which lists what the base has. */
export async function selectBase(
  source: ImageSource,
  platform: Platform,
  context: ImageContext,
): Promise<Base> {
  const ref = context.image.base ?? ''
  const what = `image ${context.image.name}: its base ${ref}`
  const { signal } = context
  // A base for amd64 serves amd64/v3; but the variants of arm differ in how programs are linked.
  const matching = platform.architecture === 'arm' ? 'strict' : 'variant'
  const { descriptor } = await manifestFor(source, platform, { what, signal, matching })
  const { config, layers, annotations } = await readImage(source, descriptor, signal)
  await Promise.all(layers.map(layer => verifyLayer(layer, what, context)))
  return { ref, digest: source.root.digest, config, layers, annotations }
}

/**
 * Checks once, and remembers, that a layer from outside is what its base's config says, and that it can
 * be unpacked. A layer that a registry can mount is not fetched for it. Throws `DIFF_ID_WRONG`,
 * `LAYER_TAR`, and what reading the layer throws.
 */
async function verifyLayer(
  { blob, diffId }: Layer,
  what: string,
  context: ImageContext,
): Promise<void> {
  const { digest, mediaType, size } = blob.descriptor
  if (blob.origins !== undefined || layerCompression(mediaType) === undefined) return
  const inputs = { digest, mediaType, size, diffId }
  await context.action({ kind: 'verify', inputs }, () =>
    context.limits.cpu(async () => {
      const found = await checkLayer(blob, context.signal)
      const [problem] = found.tarProblems
      if (problem !== undefined)
        throw broken('LAYER_TAR', `${what}: the layer ${digest} ${problem}`)
      if (found.diffId === diffId) return { blobs: [], data: null }
      const why = `the layer ${digest} has the diffID ${found.diffId}, its config says ${diffId}`
      throw broken('DIFF_ID_WRONG', `${what}: ${why}`)
    }),
  )
}

function broken(code: string, message: string): OrchError {
  return new OrchError(code, message, {
    hint: 'The base is damaged or badly built: make it again, and see orch validate.',
  })
}

/** Reads a manifest and its config, and pairs its layers with their diffIDs. */
export async function readImage(
  { content }: ImageSource,
  descriptor: ImageSource['root'],
  signal: AbortSignal,
): Promise<Pick<Base, 'config' | 'layers' | 'annotations'>> {
  const document = await readDocument(content, descriptor, signal)
  if (document.kind === 'index') throw new TypeError(`${descriptor.digest} is an index`) // the caller chose a manifest
  const [configDescriptor = descriptor, ...descriptors] = childrenOf(document)
  const bytes = await readBlob(await blobOf(content, configDescriptor), { signal })
  const config = parseImageConfig(bytes, `config ${configDescriptor.digest}`)
  const { diff_ids: diffIds } = config.rootfs
  const layers: Layer[] = []
  for (const [at, layer] of descriptors.entries()) {
    const diffId = diffIds[at]
    if (diffId === undefined || diffIds.length !== descriptors.length)
      throw unequal(descriptor.digest, descriptors.length, diffIds.length)
    layers.push({ descriptor: layer, diffId, blob: await blobOf(content, layer), from: 'base' })
  }
  return { config, layers, annotations: document.manifest.annotations ?? {} }
}

function unequal(digest: string, layers: number, diffIds: number): OrchError {
  return new OrchError(
    'DOCUMENT_INVALID',
    `manifest ${digest} has ${layers} layers, its config has ${diffIds} diffIDs`,
  )
}
