import { resolve } from 'node:path'
import type { ExportContext, ExportPlan, ExportResult, Image, Plugin, SourceRef } from '@orch/core'
import {
  type ArchiveFormat,
  type ArchiveReading,
  fileDestination,
  type ImageSource,
  manifestFor,
  openArchive,
  parsePlatform,
  pickImage,
  platformManifests,
  splitLocation,
  UsageError,
  writeArchive,
} from '@orch/oci'
import { type DockerOptions, dockerOptions, type OciOptions, ociOptions } from './options.ts'

/**
 * Image archives: the sources `oci-archive:file[:name]` and `docker-archive:file[:name]`, plain or
 * compressed from outside, and the exporters of the same names, which write one file an image.
 */
export function archive(): Plugin {
  return {
    name: 'archive',
    sources: ['oci-archive', 'docker-archive'],
    exporters: { 'oci-archive': ociOptions, 'docker-archive': dockerOptions },
    destinations: {
      'oci-archive': (rest, root) => fileDestination('oci-archive', rest, root),
      'docker-archive': (rest, root) => fileDestination('docker-archive', rest, root),
    },
    setup({ hooks, root }) {
      hooks.source.tapPromise('archive', async (ref, { signal, store }) => {
        const format = formats[ref.scheme]
        return format === undefined
          ? undefined
          : openSource(ref, root, { format, signal, scratch: () => store.scratch('archive') })
      })
      hooks.export
        .for('oci-archive')
        .tapPromise('archive', (image, plan, context) =>
          write(image, image, 'oci', plan, plan.options as OciOptions, context),
        )
      hooks.export.for('docker-archive').tapPromise('archive', async (image, plan, context) => {
        const options = plan.options as DockerOptions
        return write(image, await onePlatform(image, options), 'docker', plan, options, context)
      })
    },
  }
}

const formats: Readonly<Record<string, ArchiveFormat>> = {
  'oci-archive': 'oci',
  'docker-archive': 'docker',
}

async function openSource(
  ref: SourceRef,
  root: string,
  reading: ArchiveReading,
): Promise<ImageSource> {
  const { path, name } = await splitLocation(resolve(root), ref.rest)
  const content = await openArchive(path, reading)
  try {
    return { ...pickImage(content, name, ref.whole), close: () => content.close() }
  } catch (error) {
    await content.close()
    throw error
  }
}

/** The manifest of the platform that was asked for, or of the only one that there is. */
async function onePlatform(image: Image, { platform }: DockerOptions): Promise<ImageSource> {
  const { content, name } = image
  if (platform !== undefined) {
    const wanted = parsePlatform(platform)
    return {
      root: (await manifestFor(image, wanted, { what: `image ${name}` })).descriptor,
      content,
    }
  }
  const manifests = await platformManifests(image)
  const [only] = manifests
  if (only !== undefined && manifests.length === 1) return { root: only.descriptor, content }
  throw new UsageError(
    'ARCHIVE_SINGLE_PLATFORM',
    `a docker archive holds one platform, and image ${name} has ${manifests.length}`,
    { hint: 'Choose one with --export docker-archive,platform=os/arch, or export an oci-archive.' },
  )
}

async function write(
  image: Image,
  source: ImageSource,
  format: ArchiveFormat,
  plan: ExportPlan,
  { dest, compression }: OciOptions,
  context: ExportContext,
): Promise<ExportResult> {
  if (context.images.length > 1 && !dest.includes('{name}')) {
    throw new UsageError(
      'ARCHIVE_SHARED',
      `${context.images.length} images would be written to the one file ${dest}`,
      {
        hint: 'Put {name} into dest, as in dest=dist/{name}.tar, or build one image.',
      },
    )
  }
  const location = resolve(context.plan.root, dest.replaceAll('{name}', image.name))
  const named = { source: { root: source.root, content: source.content }, names: image.references }
  await writeArchive(location, [named], {
    format,
    compression: { type: compression },
    signal: context.signal,
  })
  return {
    exporter: plan.exporter,
    image: image.name,
    digest: source.root.digest,
    location,
    names: image.references,
  }
}
