import { readBlob, verifiedBytes } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import type { Digest } from '../documents/digest.ts'
import { type ImageConfig, parseImageConfig } from '../documents/image-config.ts'
import type { ImageIndex } from '../documents/image-index.ts'
import type { Manifest } from '../documents/manifest.ts'
import { isConfigType, layerCompression } from '../documents/media-types.ts'
import {
  formatPlatform,
  matchesPlatform,
  normalizePlatform,
  type Platform,
} from '../documents/platform.ts'
import { OrchError } from '../errors.ts'
import { GraphBudget } from '../graph/budget.ts'
import { isDocumentType, readDocument } from '../graph/document.ts'
import { blobOf, type ImageSource } from '../graph/source.ts'
import { isForeign } from '../graph/traverse.ts'
import { type Finding, Report } from './finding.ts'
import { checkLayer, type LayerCheck } from './layer.ts'

/** What a validation looked at and what it found. */
export interface Validation {
  /** Everything that is wrong, not just the first. */
  readonly findings: readonly Finding[]
  /** Blobs read and hashed. */
  readonly blobs: number
  /** Bytes read and hashed, as stored. */
  readonly bytes: number
  /** Platforms of the image manifests. */
  readonly platforms: readonly string[]
}

/**
 * Walks everything under a root: re-hashes every blob, and checks sizes, media types, diffIDs,
 * platforms against configs, and that layers can be unpacked. Goes on after a finding.
 */
export async function validateImage(image: ImageSource, signal?: AbortSignal): Promise<Validation> {
  const validator = new Validator(image, signal)
  await validator.visit(image.root, [])
  return validator.result()
}

class Validator {
  readonly #image: ImageSource
  readonly #signal: AbortSignal | undefined
  readonly #report = new Report()
  readonly #sizes = new Map<Digest, number>()
  /** By digest, media type and size: another descriptor of the same digest may lie. */
  readonly #layers = new Map<string, LayerCheck | undefined>()
  readonly #platforms: string[] = []
  readonly #budget: GraphBudget

  constructor(image: ImageSource, signal: AbortSignal | undefined) {
    this.#image = image
    this.#signal = signal
    this.#budget = new GraphBudget(image.root)
  }

  result(): Validation {
    const bytes = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0)
    return {
      findings: this.#report.findings,
      blobs: this.#sizes.size,
      bytes,
      platforms: this.#platforms,
    }
  }

  async visit(descriptor: Descriptor, above: readonly string[]): Promise<void> {
    this.#signal?.throwIfAborted()
    const where = [...above, labelOf(descriptor)]
    const isNew = await this.#report.try(where, async () =>
      this.#budget.visit(descriptor, above.length),
    )
    if (isNew !== true) return
    if (!isDocumentType(descriptor.mediaType)) {
      await this.#opaque(descriptor, where)
      return
    }
    const document = await this.#report.try(where, () =>
      readDocument(this.#image.content, descriptor, this.#signal),
    )
    if (document === undefined) return
    this.#sizes.set(descriptor.digest, descriptor.size)
    if (document.kind === 'index') await this.#index(document.index, descriptor.platform, where)
    else await this.#manifest(document.manifest, descriptor, where)
  }

  async #index(
    index: ImageIndex,
    platform: Platform | undefined,
    where: readonly string[],
  ): Promise<void> {
    const serves = (item: Descriptor): boolean =>
      platform === undefined ||
      (item.platform !== undefined && matchesPlatform(platform, item.platform))
    if (!index.manifests.some(serves) && platform !== undefined) {
      this.#report.add(
        where,
        'PLATFORM_WRONG',
        `its descriptor says ${formatPlatform(platform)}, which it does not serve`,
      )
    }
    const seen = new Map<string, Digest>()
    for (const child of index.manifests) {
      if (child.platform !== undefined && child.platform.os !== 'unknown') {
        const served = formatPlatform(normalizePlatform(child.platform))
        const features = JSON.stringify(child.platform['os.features'] ?? [])
        const other = seen.get(served + features)
        if (other !== undefined && other !== child.digest) {
          this.#report.add(
            where,
            'PLATFORM_TWICE',
            `${served} is served by both ${other} and ${child.digest}`,
          )
        }
        seen.set(served + features, child.digest)
      }
      await this.visit(child, where)
    }
  }

  async #manifest(
    manifest: Manifest,
    descriptor: Descriptor,
    where: readonly string[],
  ): Promise<void> {
    if (isAttestation(manifest, descriptor)) {
      await this.#opaque(manifest.config, [...where, 'config'])
      for (const [at, layer] of manifest.layers.entries())
        await this.#opaque(layer, [...where, `layers[${at}]`])
      return
    }
    const config = await this.#config(manifest.config, descriptor.platform, [...where, 'config'])
    if (config !== undefined) this.#shape(manifest, config, where)
    const checks: (LayerCheck | undefined)[] = []
    for (const [at, layer] of manifest.layers.entries()) {
      const check = await this.#layer(layer, [...where, `layers[${at}]`])
      checks.push(check)
      const wanted = config?.rootfs.diff_ids[at]
      if (check !== undefined && wanted !== undefined && check.diffId !== wanted) {
        this.#report.add(
          [...where, `layers[${at}]`],
          'DIFF_ID_WRONG',
          `its diffID is ${check.diffId}; the config says ${wanted}`,
        )
      }
    }
    const count = config?.rootfs.diff_ids.length ?? checks.length
    if (count !== checks.length) {
      this.#report.add(
        where,
        'DIFF_ID_COUNT',
        `the manifest has ${checks.length} layers, the config has ${count} diffIDs`,
      )
    }
  }

  /** What must hold between a manifest and an image config. */
  #shape(manifest: Manifest, config: ImageConfig, where: readonly string[]): void {
    for (const [at, layer] of manifest.layers.entries()) {
      if (layerCompression(layer.mediaType) !== undefined) continue
      this.#report.add(
        [...where, `layers[${at}]`],
        'LAYER_TYPE',
        `${layer.mediaType} is no layer of an image`,
      )
    }
    const lines = config.history?.filter(line => line.empty_layer !== true).length
    if (lines !== undefined && lines > 0 && lines !== manifest.layers.length) {
      this.#report.add(
        where,
        'HISTORY_COUNT',
        `the history tells of ${lines} layers, the manifest has ${manifest.layers.length}`,
      )
    }
  }

  /** Checks an image config; a config of another type (an artifact's) is only hashed. */
  async #config(
    descriptor: Descriptor,
    platform: Platform | undefined,
    where: readonly string[],
  ): Promise<ImageConfig | undefined> {
    if (!isConfigType(descriptor.mediaType)) {
      if (platform !== undefined && platform.os !== 'unknown') {
        const what = `${formatPlatform(platform)} is served by what has no image config`
        this.#report.add(where, 'CONFIG_TYPE', `${what}, but ${descriptor.mediaType}`)
      }
      await this.#opaque(descriptor, where)
      return undefined
    }
    const config = await this.#report.try(where, async () => {
      const bytes = await readBlob(await blobOf(this.#image.content, descriptor), {
        signal: this.#signal,
      })
      this.#sizes.set(descriptor.digest, descriptor.size)
      return parseImageConfig(bytes, `config ${descriptor.digest}`)
    })
    if (config === undefined) return undefined
    if (platform !== undefined && !matchesPlatform(platform, config)) {
      this.#report.add(
        where,
        'PLATFORM_WRONG',
        `the config is for ${formatPlatform(config)}, the index says ${formatPlatform(platform)}`,
      )
    }
    const found = formatPlatform(normalizePlatform(config))
    if (config.os === 'unknown' || config.architecture === 'unknown') {
      this.#report.add(where, 'PLATFORM_UNKNOWN', `the config names no os or architecture`)
    } else if (!this.#platforms.includes(found)) this.#platforms.push(found)
    return config
  }

  async #layer(layer: Descriptor, where: readonly string[]): Promise<LayerCheck | undefined> {
    if (layerCompression(layer.mediaType) === undefined) {
      await this.#opaque(layer, where)
      return undefined
    }
    const key = `${layer.digest} ${layer.mediaType} ${layer.size}`
    if (!this.#layers.has(key)) {
      this.#layers.set(key, await this.#report.try(where, () => this.#readLayer(layer, where)))
    }
    return this.#layers.get(key)
  }

  async #readLayer(layer: Descriptor, where: readonly string[]): Promise<LayerCheck | undefined> {
    const blob = await blobOf(this.#image.content, layer).catch(error => {
      if (isForeign(layer) && error instanceof OrchError && error.code === 'BLOB_MISSING')
        return undefined
      throw error
    })
    if (blob === undefined) return undefined
    const check = await checkLayer(blob, this.#signal).catch(async error => {
      // A stream that cannot be read ends early: whether its bytes are those of the digest is still to be told.
      if (!(error instanceof OrchError && error.code.includes('COMPRESSION'))) throw error
      this.#report.add(where, error.code, error.message)
      await this.#opaque(layer, where)
    })
    if (check === undefined) return undefined
    this.#sizes.set(layer.digest, layer.size)
    for (const problem of check.tarProblems)
      this.#report.add(where, 'LAYER_TAR', `the layer ${problem}`)
    return check
  }

  async #opaque(descriptor: Descriptor, where: readonly string[]): Promise<void> {
    if (this.#sizes.get(descriptor.digest) === descriptor.size) return
    await this.#report.try(where, async () => {
      const blob = await blobOf(this.#image.content, descriptor)
      for await (const _ of verifiedBytes(blob.open({ signal: this.#signal }), descriptor))
        this.#signal?.throwIfAborted()
      this.#sizes.set(descriptor.digest, descriptor.size)
    })
  }
}

/** BuildKit's attestations have an image config, for no platform, and statements where images have layers. */
function isAttestation({ layers }: Manifest, { platform }: Descriptor): boolean {
  const isUnknown = platform?.os === 'unknown'
  return isUnknown && layers.every(({ mediaType }) => layerCompression(mediaType) === undefined)
}

function labelOf({ mediaType, digest, platform }: Descriptor): string {
  const kind =
    mediaType.includes('index') || mediaType.includes('manifest.list')
      ? 'index'
      : mediaType.includes('manifest')
        ? 'manifest'
        : 'blob'
  const short = digest.slice(0, digest.indexOf(':') + 13)
  return platform === undefined ? `${kind} ${short}` : `${formatPlatform(platform)} ${short}`
}
