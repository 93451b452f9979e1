import {
  archivePath,
  type Blob,
  type Digest,
  type DockerManifestItem,
  digestParts,
  type EditedLayer,
} from '@orch/oci'
import type { EngineInfo } from '../engine/types.ts'
import { chainsOf } from './chains.ts'
import type { Item } from './items.ts'
import { isReadable, plainLayer } from './layers.ts'
import { note, type Request } from './request.ts'
import { type Count, countOf, isFailedLoad, type Sending, send } from './send.ts'
import type { Shared } from './underway.ts'

/**
 * Sends platforms to an engine with a graph driver, without names, and without the layers that it has;
 * everything when something that it had is gone by then. Throws `BLOB_CORRUPT`, `DOCKER_LOAD`, and what
 * `send` throws.
 */
export async function sendItems(request: Request, items: readonly Item[]): Promise<Count> {
  const images = await request.engine.images(request.context.signal)
  const there = new Set(images.flatMap(({ diffIds }) => chainsOf(diffIds)))
  const all = chainedLayers(items)
  const lacking = all.filter(({ chain }) => !there.has(chain))
  let isLeftOut = lacking.length < all.length
  const bring = ({ theirs, turn, sent, arrived }: Shared): Promise<Count> => {
    for (const came of theirs.values()) void came.then(isThere => (isLeftOut ||= isThere))
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
    const { bytes } = countOf(lacking.map(({ blob }) => blob))
    const layers = lacking.map(({ chain }) => chain)
    return await request.underway.during({ layers, bytes }, bring)
  } catch (error) {
    if (!isLeftOut || !isFailedLoad(error)) throw error
    note(request, `${error.message}; sending all of the image`, 'warning')
    return sendLayers(request, items, all)
  }
}

async function sendLayers(
  request: Request,
  items: readonly Item[],
  layers: readonly ChainedLayer[],
  more: Pick<Sending, 'turn' | 'sent' | 'last'> & { onLayer?: (id: string) => void } = {},
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
  return send(request, { images: [], docker, blobs, ...sending }, image.root.digest, onLayer)
}

/** A layer, and all diffIDs up to its own. */
interface ChainedLayer extends EditedLayer {
  readonly chain: string
}

function chainedLayers(items: readonly Item[]): readonly ChainedLayer[] {
  return items.flatMap(({ layers }) => {
    const chains = chainsOf(layers.map(({ diffId }) => diffId))
    return layers.map((layer, at) => ({ ...layer, chain: chains[at] ?? '' }))
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
