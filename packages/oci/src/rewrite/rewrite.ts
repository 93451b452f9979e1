import { type Blob, blobFromBytes } from '../blob/blob.ts'
import { readBlob } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import { type ImageConfig, parseImageConfig } from '../documents/image-config.ts'
import { encodeIndex, type ImageIndex } from '../documents/image-index.ts'
import { encodeManifest, type Manifest } from '../documents/manifest.ts'
import { isConfigType } from '../documents/media-types.ts'
import { type Platform, platformOf } from '../documents/platform.ts'
import { atOnce } from '../graph/at-once.ts'
import { aboutAnnotation, attestedBy, isBeside } from '../graph/attestation.ts'
import { GraphBudget } from '../graph/budget.ts'
import { isDocumentType, readDocument } from '../graph/document.ts'
import { contentOver, restOf } from '../graph/over.ts'
import { blobOf, type ImageSource } from '../graph/source.ts'
import { canonicalJson } from '../json.ts'
import type { Edits } from './edits.ts'

/**
 * The image with edits made, in their order, children before parents. A document is encoded anew only
 * when it or something below it changed; when nothing did, it is the very same source. Attestations and
 * other artifacts keep their bytes; what the index says an attestation is about follows a manifest that
 * changed. Throws `GRAPH_TOO_LARGE`, what reading documents throws, and what the edits throw.
 */
export async function rewriteImage(
  image: ImageSource,
  edits: readonly Edits[],
  signal?: AbortSignal,
): Promise<ImageSource> {
  const rewriter = new Rewriter(image, edits, signal)
  const root = await rewriter.visit(image.root, 0)
  if (root === image.root) return image
  return { root, content: contentOver(image.content, rewriter.blobs), ...restOf(image) }
}

class Rewriter {
  /** Those that are not in the image's own content. */
  readonly blobs = new Map<Digest, Blob>()
  readonly #image: ImageSource
  readonly #edits: readonly Edits[]
  readonly #signal: AbortSignal | undefined
  readonly #budget: GraphBudget
  /** Of each descriptor what became of it: one that is met again is not done again. */
  readonly #visited = new Map<string, Promise<Descriptor>>()

  constructor(image: ImageSource, edits: readonly Edits[], signal: AbortSignal | undefined) {
    this.#image = image
    this.#edits = edits
    this.#signal = signal
    this.#budget = new GraphBudget(image.root)
  }

  /** What a descriptor becomes: the very same when nothing below it changes. */
  visit(descriptor: Descriptor, depth: number): Promise<Descriptor> {
    const key = canonicalJson(descriptor)
    const visited = this.#visited.get(key) ?? this.#visit(descriptor, depth)
    this.#visited.set(key, visited)
    return visited
  }

  async #visit(descriptor: Descriptor, depth: number): Promise<Descriptor> {
    this.#budget.visit(descriptor, depth)
    if (!isDocumentType(descriptor.mediaType) || isBeside(descriptor)) return descriptor
    const document = await readDocument(this.#image.content, descriptor, this.#signal)
    if (document.kind === 'index') {
      const changed = await this.#index(document.index, depth)
      const next = changed === undefined ? descriptor : this.#keep(descriptor, changed)
      return this.#describe(next, undefined)
    }
    const { manifest } = document
    if (!isConfigType(manifest.config.mediaType)) return descriptor
    const config = await this.#config(manifest)
    const platform = descriptor.platform ?? platformOf(config)
    const changed = await this.#manifest(manifest, config, platform)
    const next = changed === undefined ? descriptor : this.#keep(descriptor, changed)
    return this.#describe(next, platform)
  }

  /** The blob of an index that changed; undefined when it did not. */
  async #index(index: ImageIndex, depth: number): Promise<Blob | undefined> {
    const visited = await atOnce(index.manifests, item => this.visit(item, depth + 1))
    const successors = new Map<string, Digest>(
      index.manifests.map((item, at) => [item.digest, visited[at]?.digest ?? item.digest]),
    )
    const manifests = visited.map(item => following(item, successors))
    let edited: ImageIndex = { ...index, manifests }
    for (const edit of this.#edits) edited = edit.index?.(edited) ?? edited
    if (isSame(edited, index)) return undefined
    return blobFromBytes(encodeIndex(edited), edited.mediaType)
  }

  async #manifest(
    manifest: Manifest,
    config: ImageConfig,
    platform: Platform,
  ): Promise<Blob | undefined> {
    const layers = await atOnce([...manifest.layers.entries()], ([at, layer]) =>
      this.#layer(layer, config.rootfs.diff_ids[at]),
    )
    let edited: Manifest = { ...manifest, layers }
    for (const edit of this.#edits) edited = edit.manifest?.(edited, platform) ?? edited
    if (isSame(edited, manifest)) return undefined
    return blobFromBytes(encodeManifest(edited), edited.mediaType)
  }

  async #layer(layer: Descriptor, diffId: Digest | undefined): Promise<Descriptor> {
    if (diffId === undefined || this.#edits.every(edit => edit.layer === undefined)) return layer
    const before = await blobOf(this.#image.content, layer)
    let blob = before
    for (const edit of this.#edits) blob = (await edit.layer?.({ blob, diffId })) ?? blob
    if (blob === before) return layer
    this.blobs.set(blob.descriptor.digest, blob)
    return blob.descriptor
  }

  async #config({ config }: Manifest): Promise<ImageConfig> {
    const signal = this.#signal
    const bytes = await readBlob(await blobOf(this.#image.content, config), { signal })
    return parseImageConfig(bytes, `config ${config.digest}`)
  }

  /** Keeps a document that changed, and gives the descriptor that leads to it instead. */
  #keep(before: Descriptor, blob: Blob): Descriptor {
    const { mediaType, digest, size } = blob.descriptor
    this.blobs.set(digest, blob)
    const { data: _, ...rest } = before
    return { ...rest, mediaType, digest, size }
  }

  #describe(descriptor: Descriptor, platform: Platform | undefined): Descriptor {
    let edited = descriptor
    for (const edit of this.#edits) edited = edit.descriptor?.(edited, platform) ?? edited
    return isSame(edited, descriptor) ? descriptor : edited
  }
}

/** An attestation's descriptor, about what the manifest has become that it is about. */
function following(item: Descriptor, successors: ReadonlyMap<string, Digest>): Descriptor {
  const about = attestedBy(item)
  const successor = about === undefined ? undefined : successors.get(about)
  if (successor === undefined || successor === about) return item
  return { ...item, annotations: { ...item.annotations, [aboutAnnotation]: successor } }
}

function isSame(one: unknown, other: unknown): boolean {
  return canonicalJson(one) === canonicalJson(other)
}
