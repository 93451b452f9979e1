import { Readable } from 'node:stream'
import type { BuildContext } from '@orch/core'
import {
  type Blob,
  blobFromBytes,
  type Descriptor,
  type Digest,
  encodeImageConfig,
  encodeIndex,
  encodeManifest,
  type ImageSource,
  mediaTypes,
  OrchError,
  type Platform,
  type RuntimeConfig,
} from '@orch/oci'
import { type Family, nonroot } from './content.ts'
import { type LayerFacts, makeLayer } from './layer.ts'
import { staticPlatforms } from './platforms.ts'
import { layerFacts } from './snapshot/layers.ts'
import { versions } from './snapshot/versions.ts'

const epoch = '1970-01-01T00:00:00Z'
const createdBy = `orch static base: ${versions.certificates} CA certificates of Node ${versions.node}, tzdata ${versions.tzdata}`

const runtime: Readonly<Record<Family, RuntimeConfig>> = {
  unix: {
    User: `${nonroot}:${nonroot}`,
    Env: [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
    ],
    WorkingDir: '/',
  },
  windows: {
    User: 'ContainerUser',
    Env: ['ZONEINFO=C:\\usr\\share\\zoneinfo'],
    WorkingDir: 'C:\\',
  },
}

/** What the source needs of a build. */
export type BaseContext = Pick<BuildContext, 'action' | 'store' | 'signal'>

/**
 * The static base: an index with a manifest for each of `staticPlatforms`. Its documents are made
 * here and now; a layer is made when it is first asked for, and then remembered by the store.
 * `blob` throws `BLOB_MISSING`, and `STATIC_BASE_CHANGED` when a layer is not what it was pinned to.
 */
export function staticImage(context: BaseContext): ImageSource {
  const documents = new Map<Digest, Blob>()
  const add = (bytes: Uint8Array, mediaType: string, platform?: Platform): Descriptor => {
    const blob = blobFromBytes(bytes, mediaType, platform === undefined ? {} : { platform })
    documents.set(blob.descriptor.digest, blob)
    return blob.descriptor
  }
  const manifests = staticPlatforms.map(platform => {
    const family = platform.os === 'windows' ? 'windows' : 'unix'
    const config = add(configBytes(platform, family), mediaTypes.config)
    const layers = [layerDescriptor(layerFacts[family])]
    const { manifest: mediaType } = mediaTypes
    return add(encodeManifest({ schemaVersion: 2, mediaType, config, layers }), mediaType, platform)
  })
  const { index: mediaType } = mediaTypes
  const root = add(encodeIndex({ schemaVersion: 2, mediaType, manifests }), mediaType)
  return {
    root,
    content: {
      async blob(descriptor) {
        const { digest } = descriptor
        for (const family of ['unix', 'windows'] as const) {
          if (layerFacts[family].digest === digest) return layerBlob(family, context)
        }
        const found = documents.get(digest)
        if (found !== undefined) return found
        throw new OrchError('BLOB_MISSING', `the static base has no blob ${digest}`)
      },
    },
  }
}

function configBytes(platform: Platform, family: Family): Uint8Array {
  return encodeImageConfig({
    created: epoch,
    ...platform,
    config: runtime[family],
    rootfs: { type: 'layers', diff_ids: [layerFacts[family].diffId] },
    history: [{ created: epoch, created_by: createdBy }],
  })
}

function layerDescriptor({ digest, size }: LayerFacts): Descriptor {
  return { mediaType: mediaTypes.layerGzip, digest, size }
}

async function layerBlob(family: Family, context: BaseContext): Promise<Blob> {
  const { store, signal } = context
  const pinned = layerFacts[family]
  const action = { kind: 'base', inputs: { layer: pinned.digest } }
  const { held } = await context.action(action, async () => {
    signal.throwIfAborted()
    const { facts, bytes } = await makeLayer(family)
    if (facts.digest !== pinned.digest || facts.diffId !== pinned.diffId) {
      throw new OrchError(
        'STATIC_BASE_CHANGED',
        `the ${family} layer of the static base came out as ${facts.digest}, not as ${pinned.digest}`,
        { hint: 'Run `node plugins/static/scripts/pin.ts` if its content was changed on purpose.' },
      )
    }
    const chunks = Readable.from([bytes])
    const blob = await store.add(chunks, mediaTypes.layerGzip, { signal })
    return { blobs: [blob.descriptor], data: null }
  })
  const [blob] = held
  if (blob === undefined) {
    throw new OrchError('BLOB_MISSING', `the store holds no ${family} layer of the static base`)
  }
  return blob
}
