import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ExportPlan, ImagePlan, oci, Plugin, PluginApi } from 'orch'

/**
 * A plugin in one file that taps every hook of orch. It imports types alone; what it needs of orch
 * while it runs comes through `setup`.
 */
export default function stamp(options: { team?: string } = {}): Plugin {
  const team = options.team ?? 'nobody'
  return {
    name: 'stamp',
    // The keys and schemes that this plugin adds to project files, with the look of their values.
    builders: { greeting: object({ greeting: 'string' }) },
    exporters: { list: object({ dest: 'string' }) },
    sources: ['blank'],
    setup(api) {
      const { hooks } = api

      // Once, before anything is built.
      hooks.configResolved.tap('stamp', (plan, { events }) => {
        events.emit({
          type: 'log',
          level: 'info',
          message: `stamp: ${plan.images.length} image(s) for team ${team}`,
        })
      })

      // Opens `blank:`, a base without files.
      hooks.source.tapPromise('stamp', async ref =>
        ref.scheme === 'blank' ? blankBase(api) : undefined,
      )

      // A platform rule: what is built for amd64 is built for arm64 too.
      hooks.resolvePlatforms.tap('stamp', platforms => {
        const amd64 = platforms.some(platform => platform.architecture === 'amd64')
        const arm64 = platforms.some(platform => platform.architecture === 'arm64')
        return amd64 && !arm64 ? [...platforms, { os: 'linux', architecture: 'arm64' }] : platforms
      })

      // What a build asks the network for is brought here beforehand, for `orch fetch`: nothing.
      hooks.fetch.tap('stamp', () => {})

      // The builder `greeting`: a file with the text. Another builder's images are left to others.
      hooks.compile.tapPromise('stamp', async target => {
        if (target.image.build.builder !== 'greeting') return undefined
        return {
          kind: 'files',
          entries: [textFile(api, 'greeting.txt', `${greetingOf(target.image)}\n`)],
          config: { Cmd: ['/greeting.txt'] },
          createdBy: 'stamp greeting',
        }
      })

      // A layer, with a symbolic link in it. It lies below the compiled files.
      hooks.layer.tapPromise('stamp', async (layers, context) => [
        ...layers,
        await context.layer(
          [
            { type: 'directory', path: 'etc' },
            textFile(api, 'etc/team', `${team} ${context.platformName}\n`),
            { type: 'symlink', path: 'team', target: 'etc/team' },
          ],
          { from: 'stamp' },
        ),
      ])

      // A label on every manifest's config.
      hooks.manifest.tap('stamp', draft => {
        const { config } = draft.config
        const Labels = { ...config?.Labels, 'com.example.team': team }
        return { ...draft, config: { ...draft.config, config: { ...config, Labels } } }
      })

      // An annotation on the index.
      hooks.index.tap('stamp', draft => ({
        ...draft,
        annotations: { ...draft.annotations, 'com.example.team': team },
      }))

      // An exporter: `--export list,dest=blobs.txt` writes a line for every manifest.
      hooks.export.for('list').tapPromise('stamp', async (image, plan, context) => {
        const location = resolve(context.plan.root, destOf(plan))
        const manifests = await api.oci.platformManifests(image)
        const lines = manifests.map(
          ({ platform, descriptor }) =>
            `${api.oci.formatPlatform(platform)} ${descriptor.digest}\n`,
        )
        await writeFile(location, lines.join(''))
        const { digest } = image.root
        return { exporter: 'list', image: image.name, digest, location, names: image.references }
      })

      // Exactly one of these two, and then shutdown.
      hooks.done.tap('stamp', (result, { events }) => {
        events.emit({
          type: 'log',
          level: 'info',
          message: `stamp: built ${result.images.length} image(s)`,
        })
      })
      hooks.failed.tap('stamp', (_result, { events }) => {
        events.emit({ type: 'log', level: 'warning', message: 'stamp: the build failed' })
      })
      hooks.shutdown.tap('stamp', () => {}) // a place to close connections
    },
  }
}

function greetingOf({ build }: ImagePlan): string {
  return (build.options as { greeting: string }).greeting
}

function destOf({ options }: ExportPlan): string {
  return (options as { dest?: string }).dest ?? 'blobs.txt'
}

function textFile({ oci }: PluginApi, path: string, text: string): oci.FileEntry {
  return { type: 'file', path, content: oci.blobFromBytes(Buffer.from(text), 'text/plain') }
}

/** An index with an empty image for each of two platforms. */
function blankBase({ oci }: PluginApi): oci.ImageSource {
  const blobs: oci.Blob[] = []
  const keep = (blob: oci.Blob): oci.Descriptor => {
    blobs.push(blob)
    return blob.descriptor
  }
  const { mediaTypes } = oci
  const manifests = ['amd64', 'arm64'].map(architecture => {
    const platform = { os: 'linux', architecture }
    const rootfs = { type: 'layers', diff_ids: [] } as const
    const config = keep(
      oci.blobFromBytes(oci.encodeImageConfig({ ...platform, rootfs }), mediaTypes.config),
    )
    const bytes = oci.encodeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: [],
    })
    return keep(oci.blobFromBytes(bytes, mediaTypes.manifest, { platform }))
  })
  const index = oci.encodeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })
  const root = keep(oci.blobFromBytes(index, mediaTypes.index))
  return {
    root,
    content: {
      async blob({ digest }) {
        const found = blobs.find(blob => blob.descriptor.digest === digest)
        if (found === undefined) throw new oci.OrchError('BLOB_MISSING', `blank: has no ${digest}`)
        return found
      },
    },
  }
}

/** A Standard Schema for an object with these optional keys; zod, valibot and arktype make better ones. */
function object(keys: Record<string, 'string'>): NonNullable<Plugin['builders']>[string] {
  const validate = (value: unknown) => {
    const found = Object.entries(value ?? {})
    const issues = found
      .filter(([key, item]) => typeof item !== keys[key])
      .map(([key]) => ({
        message: keys[key] === undefined ? 'unknown key' : `expected a ${keys[key]}`,
        path: [key],
      }))
    return issues.length > 0 ? { issues } : { value }
  }
  const properties = Object.fromEntries(Object.entries(keys).map(([key, type]) => [key, { type }]))
  const schema = { type: 'object', additionalProperties: false, properties }
  return {
    '~standard': { version: 1, vendor: 'stamp', validate, jsonSchema: { input: () => schema } },
  }
}
