import { resolve } from 'node:path'
import type { ExportContext, ExportPlan, ExportResult, Image, Plugin, SourceRef } from '@orch/core'
import {
  fileDestination,
  type ImageSource,
  openLayout,
  pickImage,
  splitLocation,
  writeLayout,
} from '@orch/oci'
import { z } from 'zod'

/** Options of the exporter. */
const options = z.strictObject({
  dest: z
    .string()
    .min(1)
    .default('dist/oci')
    .describe(
      'Folder of the OCI layout, from the project folder; images that it holds stay. `{name}` is the image.',
    ),
})

/**
 * OCI image layouts (image-spec, image-layout.md): the source `oci:folder[:name]` and the exporter
 * `layout`, which puts every image of a build into one layout under its references.
 */
export function layout(): Plugin {
  return {
    name: 'layout',
    sources: ['oci'],
    exporters: { layout: options },
    destinations: { oci: (rest, root) => fileDestination('layout', rest, root) },
    setup({ hooks, root }) {
      hooks.source.tapPromise('layout', async ref =>
        ref.scheme === 'oci' ? openSource(ref, root) : undefined,
      )
      hooks.export.for('layout').tapPromise('layout', exportLayout)
    },
  }
}

async function openSource(ref: SourceRef, root: string): Promise<ImageSource> {
  const { path, name } = await splitLocation(resolve(root), ref.rest)
  return pickImage(await openLayout(path), name, ref.whole)
}

async function exportLayout(
  image: Image,
  plan: ExportPlan,
  context: ExportContext,
): Promise<ExportResult> {
  const { dest } = plan.options as z.infer<typeof options>
  const location = resolve(context.plan.root, dest.replaceAll('{name}', image.name))
  const source = { root: image.root, content: image.content }
  await writeLayout(location, [{ source, names: image.references }], { signal: context.signal })
  return {
    exporter: 'layout',
    image: image.name,
    digest: image.root.digest,
    location,
    names: image.references,
  }
}
