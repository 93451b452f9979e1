import {
  archivePath,
  type Blob,
  type Digest,
  type DockerManifestItem,
  digestParts,
  type EditedLayer,
  formatPlatform,
  missingError,
  OrchError,
  type PlatformManifest,
  platformManifests,
  surveyGraph,
} from '@orch/oci'
import type { EngineInfo, ListedImage } from '../engine/types.ts'
import { incomplete } from './incomplete.ts'
import { type Item, itemOf } from './items.ts'
import { isReadable, plainLayer } from './layers.ts'
import { type Chosen, chosenPlatforms } from './platforms.ts'
import { note, type Request, whatOf } from './request.ts'
import { type Count, type Hearing, isFailedLoad, type Sending, send } from './send.ts'
import type { Shared } from './underway.ts'

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
 * `IMAGE_INCOMPLETE`, `DOCKER_INCOMPLETE`, and what the engine's calls throw.
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
  const items = await Promise.all(
    chosen.map(one => itemOf(image, one, signal).catch(error => wholeError(request, one, error))),
  )
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

/** Throws an error that says all that is missing, if anything is. */
async function wholeError(
  request: Request,
  { descriptor }: Chosen,
  error: unknown,
): Promise<never> {
  if (!(error instanceof OrchError && error.code === 'BLOB_MISSING')) throw error
  const { content } = request.image
  const survey = await surveyGraph({ root: descriptor, content }, request.context)
  throw survey.missing.length === 0 ? error : missingError(survey, whatOf(request))
}

/** Sends what the engine lacks; everything when something that it had is gone by then. */
async function sendItems(request: Request, items: readonly Item[]): Promise<Count> {
  const there = chainsOf(await request.engine.images(request.context.signal))
  const all = chainedLayers(items)
  const lacking = all.filter(({ chain }) => !there.has(chain))
  let isAll = lacking.length === all.length
  const bring = ({ theirs, turn, sent, arrived }: Shared): Promise<Count> => {
    isAll &&= theirs.size === 0
    const mine = lacking.filter(({ chain }) => !theirs.has(chain))
    const last = async (): Promise<readonly Blob[]> => {
      const late: ChainedLayer[] = []
      for (const layer of lacking) if ((await theirs.get(layer.chain)) === false) late.push(layer)
      return layerBlobs(request, late)
    }
    let done = 0
    // It begins with a layer when it is through with those before.
    const onLayer = (id: string): void => {
      const at = lacking.findIndex(({ diffId }) => digestParts(diffId).hex.startsWith(id))
      for (; done < at; done++) arrived(lacking[done]?.chain ?? '')
    }
    const more = theirs.size === 0 ? { sent } : { turn, sent, last }
    return sendLayers(request, items, mine, { ...more, onLayer })
  }
  try {
    const chains = lacking.map(({ chain }) => chain)
    return await request.underway.during(chains, bring)
  } catch (error) {
    if (isAll || !isFailedLoad(error)) throw error
    note(request, `${error.message}; sending all of the image`, 'warning')
    return sendLayers(request, items, all)
  }
}

async function sendLayers(
  request: Request,
  items: readonly Item[],
  layers: readonly ChainedLayer[],
  more: Pick<Sending, 'turn' | 'sent' | 'last'> & Pick<Hearing, 'onLayer'> = {},
): Promise<Count> {
  const { engine, image } = request
  const docker = items.map(
    (item): DockerManifestItem => ({
      Config: archivePath(item.config.descriptor.digest),
      RepoTags: null,
      // One that is left out is not looked for.
      Layers: item.layers.map(layer => archivePath(sentAs(layer, engine.info))),
    }),
  )
  const configs = new Map(items.map(({ config }) => [config.descriptor.digest, config]))
  const blobs = [...configs.values(), ...(await layerBlobs(request, layers))]
  const { onLayer, ...sending } = more
  return send(request, { images: [], docker, blobs, ...sending }, image.root.digest, {
    unpackError: said => new OrchError('DOCKER_LOAD', `${engine.where}: ${said}`),
    onLayer,
  })
}

/** A layer, and all diffIDs up to its own. */
interface ChainedLayer extends EditedLayer {
  readonly chain: string
}

function chainedLayers(items: readonly Item[]): readonly ChainedLayer[] {
  return items.flatMap(({ layers }) => {
    let chain = ''
    return layers.map(layer => {
      chain += ` ${layer.diffId}`
      return { ...layer, chain }
    })
  })
}

/** The layers as the engine can read them, each once. */
async function layerBlobs(
  request: Request,
  layers: readonly ChainedLayer[],
): Promise<readonly Blob[]> {
  const { engine, context } = request
  const { signal, limits } = context
  const unique = new Map(layers.map(layer => [sentAs(layer, engine.info), layer]))
  const blobs: Blob[] = []
  let converted = 0
  for (const layer of unique.values()) {
    if (isReadable(layer.blob.descriptor.mediaType, engine.info.apiVersion)) {
      blobs.push(layer.blob)
      continue
    }
    converted += 1
    blobs.push(await limits.cpu(() => plainLayer(layer, signal)))
  }
  if (converted > 0) {
    const which = `${converted} ${converted === 1 ? 'layer is' : 'layers are'}`
    const why = `Docker ${engine.info.version} reads no zstd: ${which} sent uncompressed; the image keeps its ID`
    note(request, why)
  }
  return blobs
}

/** The digest of what is sent of a layer. */
function sentAs({ blob, diffId }: EditedLayer, { apiVersion }: EngineInfo): Digest {
  const { digest, mediaType } = blob.descriptor
  return isReadable(mediaType, apiVersion) ? digest : diffId
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
    const isThere = await engine.tag(digest, name, context.signal)
    const found = isThere ? await engine.inspect(name, context.signal) : undefined
    if (found?.id !== digest)
      throw incomplete(engine.where, name, `it is ${found?.id ?? 'not there'}, not ${digest}`)
  }
}
