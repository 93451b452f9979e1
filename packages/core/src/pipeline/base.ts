import {
  blobOf,
  checkLayer,
  childrenOf,
  chooseManifest,
  type Descriptor,
  type ImageSource,
  layerCompression,
  normalizePlatform,
  OrchError,
  type Platform,
  type PlatformManifest,
  parseImageConfig,
  platformManifests,
  readBlob,
  readDocument,
} from '@orch/oci'
import { registryName } from '../source-ref.ts'
import type { Base, Layer, SourceRef } from '../types/build.ts'
import type { ImageContext } from '../types/context.ts'
import { baseMatching, baseOfAll, chooseBase } from './choose-base.ts'
import type { Workshop } from './stage.ts'

/** The base that serves a platform, and its manifest. */
export interface ChosenBase {
  readonly ref: SourceRef
  readonly source: ImageSource
  readonly descriptor: Descriptor
}

/** The bases of one image: each is opened once, and only when something asks for it. */
export interface Bases {
  /** What `all` means: the platforms of the base, and those that are named; undefined for `scratch`. */
  platforms(): Promise<readonly Platform[] | undefined>
  /**
   * The base that serves a platform; undefined for `scratch`. Throws `BASE_MISSING`, `PLATFORM_MISSING`,
   * both of which list what there is, and what opening the base throws.
   */
  choose(platform: Platform): Promise<ChosenBase | undefined>
}

export function basesOf(context: ImageContext, { sources }: Workshop): Bases {
  const { image, signal } = context
  const manifests = new Map<string, Promise<readonly PlatformManifest[]>>()
  const manifestsOf = (ref: string): Promise<readonly PlatformManifest[]> => {
    const asked =
      manifests.get(ref) ??
      sources.open(ref, context, { base: true }).then(source => platformManifests(source, signal))
    manifests.set(ref, asked)
    return asked
  }
  return {
    async platforms() {
      const all = baseOfAll(image)
      if (all === undefined) return undefined
      const found = all.of === undefined ? [] : await manifestsOf(all.of)
      return [...found.map(item => normalizePlatform(item.platform)), ...all.named]
    },
    async choose(platform) {
      const text = chooseBase(image, platform)
      if (text === undefined) return undefined
      const { descriptor } = chooseManifest(await manifestsOf(text), platform, {
        what: nameOf(context, text),
        matching: baseMatching(platform),
      })
      const source = await sources.open(text, context, { base: true })
      return { ref: sources.parse(text), source, descriptor }
    },
  }
}

/** The name under which the store keeps what `orch fetch` brought of a base. */
export function keptName({ source, descriptor }: ChosenBase): string {
  return `base ${source.root.digest} ${descriptor.digest}`
}

/** Reads a base, and checks what of it is not left to the registry that has it. */
export async function readBase(chosen: ChosenBase, context: ImageContext): Promise<Base> {
  const { ref, source, descriptor } = chosen
  // What builds without the network ask for stays kept.
  if (context.offline) await context.store.kept(keptName(chosen))
  const { config, layers, annotations } = await readImage(source, descriptor, context.signal)
  const what = nameOf(context, ref.text)
  await Promise.all(layers.map(layer => verifyLayer(layer, what, context)))
  const name = registryName(ref) ?? ref.text
  return { ref: ref.text, name, digest: source.root.digest, config, layers, annotations }
}

/** The base that all targets stand on, when it is one. */
export function sharedBase(bases: readonly (Base | undefined)[]): Base | undefined {
  const [first, ...others] = bases
  const shared = others.every(
    other => other?.digest === first?.digest && other?.name === first?.name,
  )
  return shared ? first : undefined
}

function nameOf({ image }: ImageContext, ref: string): string {
  return `image ${image.name}: its base ${ref}`
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
