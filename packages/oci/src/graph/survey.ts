import { readBlob } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { type Digest, isDigest } from '../documents/digest.ts'
import { imageConfigIn } from '../documents/image-config.ts'
import { isConfigType, isIndexType, isLayerType } from '../documents/media-types.ts'
import {
  formatPlatform,
  normalizePlatform,
  type Platform,
  platformOf,
} from '../documents/platform.ts'
import { OrchError } from '../errors.ts'
import { atOnce } from './at-once.ts'
import { attestedBy, isBeside } from './attestation.ts'
import type { ImageSource } from './source.ts'
import { type GraphNode, traverse } from './traverse.ts'

/** A blob that an image names and its source does not hold. */
export interface MissingBlob {
  readonly descriptor: Descriptor
  /** What it is to the first document that names it: `index`, `manifest`, `config`, `layers[1]`, or the like of an attestation. */
  readonly role: string
  /** `os/arch[/variant]` of every platform that needs it; empty when that cannot be known. */
  readonly platforms: readonly string[]
}

/** What of an image is there. */
export interface Survey {
  /** Each blob that is there once, children before parents and the root last. */
  readonly nodes: readonly GraphNode[]
  readonly missing: readonly MissingBlob[]
  /** The platforms that lack nothing, in the order of the index. */
  readonly complete: readonly string[]
}

/**
 * Looks for every blob under a root and goes on when one is missing; what lies below a missing document
 * cannot be known. Throws `DIFF_ID_COUNT` for a manifest whose config tells of more or fewer filesystem
 * layers than it has, and what `walkGraph` throws but for `BLOB_MISSING`.
 */
export async function surveyGraph(
  image: ImageSource,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Survey> {
  const { nodes, absent } = await traverse(image, options)
  const said = await platformsOfConfigs(nodes, options.signal)
  const served = platformsOfManifests(image.root, nodes, said)
  const places = placesOf(image.root, nodes, served)
  const missing = absent.map(({ descriptor }): MissingBlob => {
    const { role = 'blob', platforms = [] } = places.get(descriptor.digest) ?? {}
    return { descriptor, role, platforms: [...platforms] }
  })
  const lacking = new Set(missing.flatMap(item => item.platforms))
  const all = new Set([...served.values()].flatMap(platforms => [...platforms]))
  return { nodes, missing, complete: [...all].filter(item => !lacking.has(item)) }
}

type PlatformsByDigest = ReadonlyMap<Digest, ReadonlySet<string>>

/** By manifest, the platform that its config says; checks on the way that manifest and config agree. */
async function platformsOfConfigs(
  nodes: readonly GraphNode[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<Digest, Platform>> {
  const there = new Map(nodes.map(node => [node.descriptor.digest, node]))
  const manifests = nodes.filter(node => !isBeside(node.descriptor))
  const read = async ({ descriptor, document }: GraphNode): Promise<[Digest, Platform][]> => {
    if (document?.kind !== 'manifest') return []
    const { config, layers } = document.manifest
    const node = there.get(config.digest)
    if (node === undefined || !isConfigType(config.mediaType)) return []
    const bytes = await readBlob({ ...node.blob, descriptor: config }, { signal })
    const parsed = imageConfigIn(bytes, `config ${config.digest}`)
    if (parsed === undefined) return []
    checkCount(descriptor.digest, layers, parsed.rootfs.diff_ids.length)
    return [[descriptor.digest, platformOf(parsed)]]
  }
  return new Map((await atOnce(manifests, read)).flat())
}

/** Compares as containerd does: what has nothing but other layers, such as a signature, is unpacked nowhere. */
function checkCount(manifest: Digest, layers: readonly Descriptor[], diffIds: number): void {
  const count = layers.filter(({ mediaType }) => isLayerType(mediaType)).length
  if (count === diffIds || (count === 0 && layers.length > 0)) return
  const how = `the manifest ${manifest} has ${count} filesystem layers, its config has ${diffIds} diffIDs`
  throw new OrchError('DIFF_ID_COUNT', how, {
    hint: 'The image is damaged or badly built: no runtime can unpack it. Make it again.',
  })
}

/** By manifest, present or not, the platforms that it serves; an attestation counts for those of what it is about. */
function platformsOfManifests(
  root: Descriptor,
  nodes: readonly GraphNode[],
  said: ReadonlyMap<Digest, Platform>,
): PlatformsByDigest {
  const served = new Map<Digest, Set<string>>()
  const add = (digest: Digest, platforms: Iterable<string>): void => {
    const before = served.get(digest) ?? new Set()
    for (const platform of platforms) before.add(platform)
    served.set(digest, before)
  }
  const indexes = nodes.flatMap(({ document }) =>
    document?.kind === 'index' ? document.index : [],
  )
  const listed = [...indexes.flatMap(index => index.manifests), root]
  for (const item of listed) {
    const platform = item.platform ?? said.get(item.digest)
    if (platform === undefined || isBeside(item) || isIndexType(item.mediaType)) continue
    add(item.digest, [formatPlatform(normalizePlatform(platform))])
  }
  for (const item of listed) {
    const about = attestedBy(item)
    if (about !== undefined && isDigest(about)) add(item.digest, served.get(about) ?? [])
  }
  return served
}

/** Of each digest that a document names: what it is there, and the platforms that need it. */
function placesOf(
  root: Descriptor,
  nodes: readonly GraphNode[],
  served: PlatformsByDigest,
): ReadonlyMap<Digest, { role: string; platforms: ReadonlySet<string> }> {
  const places = new Map<Digest, { role: string; platforms: Set<string> }>()
  const add = ({ digest }: Descriptor, role: string, platforms: Iterable<string>): void => {
    const place = places.get(digest) ?? { role, platforms: new Set() }
    for (const platform of platforms) place.platforms.add(platform)
    places.set(digest, place)
  }
  const addDocument = (item: Descriptor): void => {
    const kind = isIndexType(item.mediaType) ? 'index' : 'manifest'
    add(item, kindOf(item, kind), served.get(item.digest) ?? [])
  }
  addDocument(root)
  for (const { descriptor, document } of nodes) {
    if (document?.kind === 'index') document.index.manifests.forEach(addDocument)
    if (document?.kind !== 'manifest') continue
    const platforms = served.get(descriptor.digest) ?? []
    const { config, layers } = document.manifest
    add(config, kindOf(descriptor, 'config'), platforms)
    for (const [at, layer] of layers.entries())
      add(layer, kindOf(descriptor, `layers[${at}]`), platforms)
  }
  return places
}

function kindOf(descriptor: Descriptor, kind: string): string {
  return attestedBy(descriptor) === undefined ? kind : `attestation ${kind}`
}

/** The most missing blobs that a message names. */
const maxNamed = 10

/** Says what an image lacks: `IMAGE_INCOMPLETE`, with every missing blob and the platforms that need it. */
export function missingError({ missing, complete }: Survey, what: string): OrchError {
  const named = missing.slice(0, maxNamed).map(({ descriptor, role, platforms }) => {
    const where = platforms.length === 0 ? role : `${platforms.join(', ')} ${role}`
    return `${where} ${descriptor.digest}`
  })
  const more = missing.length - named.length
  const list = [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
  const count = missing.length === 1 ? 'a blob' : `${missing.length} blobs`
  return new OrchError('IMAGE_INCOMPLETE', `${what} lacks ${count}: ${list}`, {
    hint:
      complete.length === 0
        ? 'No platform of it is whole: make or copy it again from where it came.'
        : `Take what is whole with --platform ${complete.join(',')}, or make or copy it again from where it came.`,
  })
}
