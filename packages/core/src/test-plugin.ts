import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  blobFromBytes,
  type Digest,
  type Entry,
  encodeImageConfig,
  encodeManifest,
  mediaTypes,
} from '@orch/oci'
import type { Event } from './events.ts'
import { createOrch, type Orch, type OrchOptions } from './orch.ts'
import type { ImagePlan, Plan } from './types/plan.ts'
import type { Plugin, PluginApi } from './types/plugin.ts'

/** For tests: an orch with a store in a temporary folder, and the events that it said. */
export interface TestOrch extends Orch {
  readonly said: Event[]
  /** The folder of its own; the store is there too unless told otherwise. */
  readonly root: string
  [Symbol.asyncDispose](): Promise<void>
}

export async function testOrch(
  plugins: readonly Plugin[],
  options: Partial<OrchOptions> = {},
): Promise<TestOrch> {
  const root = await mkdtemp(join(tmpdir(), 'orch-core-'))
  try {
    const orch = await createOrch({ plugins, root, store: { root }, env: {}, ...options })
    const said: Event[] = []
    orch.events.subscribe(event => said.push(event))
    return {
      ...orch,
      said,
      root,
      async [Symbol.asyncDispose]() {
        await orch.close()
        await rm(root, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(root, { recursive: true, force: true })
    throw error
  }
}

/** A plugin of `setup` alone. */
export function plugin(
  name: string,
  setup: (api: PluginApi) => void | Promise<void>,
  rest: Partial<Plugin> = {},
): Plugin {
  return { name, setup, ...rest }
}

/** A builder of one file with the platform's name in it. */
export function textBuilder(): Plugin {
  return plugin('text', ({ hooks }) => {
    hooks.compile.tapPromise('text', async (target, { platformName }) => {
      if (target.image.build.builder !== 'text') return undefined
      const config = { Entrypoint: ['/app'], Env: ['MADE=yes'] }
      return { kind: 'files', entries: [textEntry('app', platformName)], config, createdBy: 'text' }
    })
  })
}

export function textEntry(path: string, text: string): Entry {
  return { type: 'file', path, content: blobFromBytes(Buffer.from(text), mediaTypes.octets) }
}

export function imagePlan(over: Partial<ImagePlan> = {}): ImagePlan {
  return {
    name: 'app',
    build: { builder: 'text', options: {} },
    platforms: ['linux/amd64', 'linux/arm64'],
    tags: ['app:latest'],
    config: {},
    labels: {},
    annotations: {},
    compression: { type: 'gzip' },
    extensions: {},
    ...over,
  }
}

export function planOf(images: readonly ImagePlan[], exporters: readonly string[] = []): Plan {
  return { root: '/', images, exports: exporters.map(exporter => ({ exporter, options: {} })) }
}

/** Opens `base:` as an image with one layer, a command, a user and an environment. */
export function baseSource(diffId?: Digest): Plugin {
  return plugin(
    'base',
    ({ hooks }) => {
      hooks.source.tapPromise('base', async ref => {
        if (ref.scheme !== 'base') return undefined
        const layer = blobFromBytes(Buffer.alloc(1024), mediaTypes.dockerLayer)
        const config = blobFromBytes(
          encodeImageConfig({
            os: 'linux',
            architecture: 'arm64',
            config: {
              User: '7',
              Cmd: ['sh'],
              Env: ['PATH=/bin', 'MADE=no'],
              Labels: { a: '1', b: '1' },
            },
            rootfs: { type: 'layers', diff_ids: [diffId ?? layer.descriptor.digest] },
            history: [{ created_by: 'old' }, { created_by: 'env', empty_layer: true }],
          }),
          mediaTypes.config,
        )
        const manifest = blobFromBytes(
          encodeManifest({
            schemaVersion: 2,
            mediaType: mediaTypes.manifest,
            config: config.descriptor,
            layers: [layer.descriptor],
          }),
          mediaTypes.manifest,
        )
        const blobs = [layer, config, manifest]
        const blob = async ({ digest }: { digest: string }) =>
          blobs.find(item => item.descriptor.digest === digest) ?? layer
        return { root: manifest.descriptor, content: { blob } }
      })
    },
    { sources: ['base'] },
  )
}
