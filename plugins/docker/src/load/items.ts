import {
  type Blob,
  type Digest,
  digestOf,
  documentOf,
  type EditedLayer,
  formatPlatform,
  type ImageSource,
  imageConfigIn,
  OrchError,
  type Platform,
  readBlob,
} from '@orch/oci'
import type { Chosen } from './platforms.ts'

/** One platform of an image as a graph driver keeps it: an image of its own. */
export interface Item {
  readonly platform: Platform
  readonly names: readonly string[]
  /** The ID that the engine shows: the sha256 of the config, whatever the manifest names it by. */
  readonly id: Digest
  readonly config: Blob
  /** From the lowest. */
  readonly layers: readonly EditedLayer[]
}

/** Reads what an engine wants to know of a manifest. Throws `DIFF_ID_COUNT`, and what the documents throw. */
export async function itemOf(
  { content }: ImageSource,
  { descriptor, platform, names }: Chosen,
  signal: AbortSignal,
): Promise<Item> {
  const document = await documentOf(await content.blob(descriptor), signal)
  if (document.kind !== 'manifest') throw unloadable(descriptor.digest, 'it is no manifest')
  const { manifest } = document
  const config = await content.blob(manifest.config)
  const bytes = await readBlob(config, { signal })
  const parsed = imageConfigIn(bytes, `config of ${descriptor.digest}`)
  if (parsed === undefined) throw unloadable(descriptor.digest, 'its config names no layers')
  for (const key of ['os', 'architecture'] as const) {
    const said = parsed[key] ?? ''
    // One that says nothing leaves it open.
    if (!['', 'unknown', platform[key]].includes(said))
      throw unloadable(
        descriptor.digest,
        `it is listed for ${formatPlatform(platform)}, and its config says ${said}`,
      )
  }
  const diffIds = parsed.rootfs.diff_ids
  if (diffIds.length !== manifest.layers.length) {
    const why = `the manifest ${descriptor.digest} has ${manifest.layers.length} layers, its config ${diffIds.length}`
    throw new OrchError('DIFF_ID_COUNT', why, {
      hint: 'The image is badly built; see orch validate.',
    })
  }
  const layers = await Promise.all(
    manifest.layers.map(async (layer, at) => ({
      blob: await content.blob(layer),
      diffId: diffIds[at] as Digest,
    })),
  )
  return { platform, names, id: digestOf(bytes), config, layers }
}

function unloadable(digest: Digest, why: string): OrchError {
  return new OrchError('DOCKER_LOAD', `${digest} cannot be loaded into an engine: ${why}`, {
    hint: 'See orch validate; choose other platforms with platforms=.',
  })
}
