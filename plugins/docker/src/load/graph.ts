import {
  archivePath,
  type Blob,
  type DockerManifestItem,
  formatPlatform,
  OrchError,
  type PlatformManifest,
  platformManifests,
} from '@orch/oci'
import type { ListedImage } from '../engine/types.ts'
import { incomplete } from './incomplete.ts'
import { type Item, itemOf } from './items.ts'
import { isReadable, plainLayer } from './layers.ts'
import { chosenPlatforms } from './platforms.ts'
import { note, type Request, whatOf } from './request.ts'
import { type Count, isFailedLoad, send } from './send.ts'

/** What became of an image. */
export interface Loaded {
  readonly items: readonly Item[]
  /** Those that stay out though nobody said so. */
  readonly leftOut: readonly PlatformManifest[]
  readonly sent: Count
}

/**
 * Brings an image into an engine that keeps one platform a name (a graph driver). What the engine has
 * already is not sent; names are given last, to images that were looked at. Throws `PLATFORM_MISSING`,
 * `DOCKER_INCOMPLETE`, and what the engine's calls throw.
 */
export async function loadPlatforms(request: Request): Promise<Loaded> {
  const { engine, image, names, platforms, context } = request
  const { signal } = context
  const manifests = await platformManifests(image, signal)
  const chosen = chosenPlatforms(manifests, names, {
    wanted: platforms,
    native: engine.info.platform,
    what: whatOf(request),
  })
  const items = await Promise.all(chosen.map(one => itemOf(image, one, signal)))
  const lacking: Item[] = []
  for (const item of items)
    if ((await engine.inspect(item.id, signal)) === undefined) lacking.push(item)
  const sent = lacking.length === 0 ? { blobs: 0, bytes: 0 } : await sendItems(request, lacking)
  for (const item of items) await check(request, item)
  for (const item of items) await nameItem(request, item)
  const taken = new Set(items.map(({ platform }) => formatPlatform(platform)))
  const leftOut =
    platforms === undefined || platforms === 'all'
      ? manifests.filter(({ platform }) => !taken.has(formatPlatform(platform)))
      : []
  return { items, leftOut, sent }
}

/** Sends what the engine lacks; everything when something that it had is gone by then. */
async function sendItems(request: Request, items: readonly Item[]): Promise<Count> {
  const { engine, context } = request
  const there = chainsOf(await engine.images(context.signal))
  const some = await partsOf(request, items, there)
  try {
    return await sendParts(request, items, some)
  } catch (error) {
    if (!isFailedLoad(error) || there.size === 0) throw error
    const all = await partsOf(request, items, new Set())
    if (all.length === some.length) throw error
    note(request, `${error.message}; sending all of the image`, 'warning')
    return sendParts(request, items, all)
  }
}

function sendParts(
  request: Request,
  items: readonly Item[],
  blobs: readonly Blob[],
): Promise<Count> {
  const docker = items.map(
    ({ config, layers }): DockerManifestItem => ({
      Config: archivePath(config.descriptor.digest),
      RepoTags: null,
      // Under the names that the blobs have in the archive; one that is left out is not looked for.
      Layers: layers.map(({ blob, diffId }) => {
        const plain = blobs.some(({ descriptor }) => descriptor.digest === diffId)
        return archivePath(plain ? diffId : blob.descriptor.digest)
      }),
    }),
  )
  const { root } = request.image
  return send(request, { images: [], docker, blobs }, root.digest, said => {
    return new OrchError('DOCKER_LOAD', `${request.engine.where}: ${said}`)
  })
}

/** The blobs of an archive: configs, and the layers whose chain is not among those that are there. */
async function partsOf(
  request: Request,
  items: readonly Item[],
  there: ReadonlySet<string>,
): Promise<readonly Blob[]> {
  const { engine, context } = request
  const { signal, limits } = context
  const blobs = new Map<string, Blob>()
  let converted = 0
  for (const { config, layers } of items) {
    blobs.set(config.descriptor.digest, config)
    let chain = ''
    for (const layer of layers) {
      chain += ` ${layer.diffId}`
      const { digest, mediaType } = layer.blob.descriptor
      if (there.has(chain) || blobs.has(digest) || blobs.has(layer.diffId)) continue
      if (isReadable(mediaType, engine.info.apiVersion)) {
        blobs.set(digest, layer.blob)
        continue
      }
      converted += 1
      blobs.set(layer.diffId, await limits.cpu(() => plainLayer(layer, signal)))
    }
  }
  if (converted > 0) {
    const which = `${converted} ${converted === 1 ? 'layer is' : 'layers are'}`
    const why = `Docker ${engine.info.version} reads no zstd: ${which} sent uncompressed; the image keeps its ID`
    note(request, why)
  }
  return [...blobs.values()]
}

/** The layers that an engine has, each by all diffIDs up to it: it looks for no other. */
function chainsOf(images: readonly ListedImage[]): ReadonlySet<string> {
  const chains = new Set<string>()
  for (const { diffIds } of images) {
    let chain = ''
    for (const diffId of diffIds) {
      chain += ` ${diffId}`
      chains.add(chain)
    }
  }
  return chains
}

/** Looks whether the engine has what it was sent. Throws `DOCKER_INCOMPLETE`. */
async function check({ engine, image, context }: Request, item: Item): Promise<void> {
  const digest = item.id
  const found = await engine.inspect(digest, context.signal)
  const what = `image ${image.name} (${formatPlatform(item.platform)})`
  if (found === undefined) throw incomplete(engine.where, what, `${digest} is not there`)
  if (found.id !== digest) throw incomplete(engine.where, what, `it is ${found.id}, not ${digest}`)
  const { os, architecture } = found.platform
  // A config that says nothing leaves it open.
  const isOther = (said: string, wanted: string): boolean => said !== '' && said !== wanted
  if (isOther(os, item.platform.os) || isOther(architecture, item.platform.architecture))
    throw incomplete(engine.where, what, `it is for ${formatPlatform(found.platform)}`)
  const wanted = item.layers.map(({ diffId }) => diffId)
  if (found.diffIds.join() !== wanted.join())
    throw incomplete(engine.where, what, 'its layers are others')
}

async function nameItem({ engine, context }: Request, item: Item): Promise<void> {
  const digest = item.id
  for (const name of item.names) {
    if ((await engine.inspect(name, context.signal))?.id === digest) continue
    await engine.tag(digest, name, context.signal)
    const found = await engine.inspect(name, context.signal)
    if (found?.id !== digest)
      throw incomplete(engine.where, name, `it is ${found?.id ?? 'not there'}, not ${digest}`)
  }
}
