import { Readable } from 'node:stream'
import {
  type Blob,
  blobFromBytes,
  type ContentSource,
  type Digest,
  digestOf,
  encodeImageConfig,
  encodeIndex,
  encodeManifest,
  type ImageSource,
  mediaTypes,
  OrchError,
  parsePlatform,
} from '@orch/oci'
import { plugin } from './test-plugin.ts'
import type { SourceRef } from './types/build.ts'
import type { BuildContext } from './types/context.ts'
import type { Plugin } from './types/plugin.ts'

/** For tests: a plugin that opens references of the scheme `docker` as one for registries does. */
export interface TestRegistry {
  readonly plugin: Plugin
  /** What was asked of it over the network: tags, and digests of blobs. */
  readonly asked: string[]
  /** Every reference that it opened. */
  readonly opened: SourceRef[]
  /** Puts an image under a tag, and gives its digest. */
  push(tag: string, platforms: readonly string[], text?: string): Digest
}

export function testRegistry(): TestRegistry {
  const tags = new Map<string, Digest>()
  const blobs = new Map<Digest, Blob>()
  const asked: string[] = []
  const opened: SourceRef[] = []
  const hold = (blob: Blob): Blob['descriptor'] => {
    blobs.set(blob.descriptor.digest, blob)
    return blob.descriptor
  }
  const remote = (digest: Digest): Blob => {
    asked.push(digest)
    const blob = blobs.get(digest)
    if (blob === undefined) throw new OrchError('REGISTRY_NOT_FOUND', `there is no ${digest}`)
    return blob
  }
  const rootOf = (ref: SourceRef): Digest | undefined => {
    if (ref.digest !== undefined) return ref.digest
    const [, digest] = ref.rest.split('@')
    if (digest !== undefined) return digest as Digest
    asked.push(ref.rest)
    return tags.get(ref.rest)
  }
  return {
    asked,
    opened,
    push(tag, platforms, text = tag) {
      const manifests = platforms.map(item => {
        const platform = parsePlatform(item)
        const layer = blobFromBytes(Buffer.alloc(1024, `${text} ${item}`), mediaTypes.layer)
        const rootfs = { type: 'layers', diff_ids: [digestOf(item)] } as const
        const config = encodeImageConfig({ ...platform, rootfs, config: { Env: [`TEXT=${text}`] } })
        const bytes = encodeManifest({
          schemaVersion: 2,
          mediaType: mediaTypes.manifest,
          config: hold(blobFromBytes(config, mediaTypes.config)),
          layers: [hold(layer)],
        })
        return hold(blobFromBytes(bytes, mediaTypes.manifest, { platform }))
      })
      const index = encodeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })
      const { digest } = hold(blobFromBytes(index, mediaTypes.index))
      tags.set(tag, digest)
      return digest
    },
    plugin: plugin(
      'registry',
      ({ hooks }) => {
        hooks.source.tapPromise(
          'registry',
          async (ref, context): Promise<ImageSource | undefined> => {
            if (ref.scheme !== 'docker') return undefined
            opened.push(ref)
            const root = blobs.get(rootOf(ref) ?? digestOf(''))?.descriptor
            if (root === undefined) throw new OrchError('REGISTRY_NOT_FOUND', `no ${ref.text}`)
            const content: ContentSource = {
              blob: async ({ digest }) =>
                ref.keep ? kept(digest, context) : { ...remote(digest), origins: [] },
            }
            return { root, content }
          },
        )
      },
      { sources: ['docker'] },
    ),
  }

  async function kept(digest: Digest, context: BuildContext): Promise<Blob> {
    const known = blobs.get(digest)
    if (known === undefined) return remote(digest)
    const { descriptor } = known
    const held = await context.store.get(descriptor)
    if (held !== undefined) return { ...held, origins: [] }
    if (context.offline) throw new OrchError('OFFLINE', `the store lacks ${digest}`)
    async function* through(): AsyncGenerator<Uint8Array> {
      const bytes = remote(digest).open()
      yield* (await context.store.add(bytes, descriptor.mediaType)).open()
    }
    return { descriptor, origins: [], open: () => Readable.from(through()) }
  }
}
