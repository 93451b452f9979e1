import type { BuildContext, ExportContext, ExportPlan, Image, PlannedExport } from '@orch/core'
import { UsageError, type WantedName } from '@orch/oci'
import { type Endpoint, endpointOf, type Watching } from './endpoint.ts'
import type { Request } from './load/session.ts'
import { namesFor } from './names.ts'
import type { ContainerdOptions } from './options.ts'

/** What an export asks for, the environment's part filled in. Throws what `placeOf` throws. */
export function requestOf(
  image: Image,
  plan: ExportPlan,
  context: ExportContext,
  watching: Watching,
): Request {
  const options = plan.options as ContainerdOptions
  const snapshotter = options.snapshotter ?? (context.env['CONTAINERD_SNAPSHOTTER'] || undefined)
  const { names, endpoint } = placeOf(
    { image: image.name, references: image.references, plan },
    context,
  )
  return {
    exporter: plan.exporter,
    image,
    options: { ...options, snapshotter },
    names,
    endpoint: { ...endpoint, ...watching },
    context,
  }
}

/** The names that an export is going to take. Throws what `placeOf` throws. */
export function takenBy(planned: PlannedExport, context: BuildContext): readonly WantedName[] {
  const { names, endpoint } = placeOf(planned, context)
  const place = `in namespace ${endpoint.namespace} of containerd at ${endpoint.address}`
  return names.map(name => ({ image: planned.image, name, place }))
}

/** Where an image goes, and its names there. Throws `NAME_MISSING`, `NAME_TWICE`, `REFERENCE_INVALID`. */
function placeOf(
  { image, references, plan }: PlannedExport,
  context: BuildContext,
): { readonly names: readonly string[]; readonly endpoint: Endpoint } {
  const options = plan.options as ContainerdOptions
  if (options.names !== undefined && plan.references !== undefined) {
    const given = [...plan.references, ...options.names].join(', ')
    throw new UsageError('NAME_TWICE', `names are given twice for image ${image}: ${given}`, {
      hint: 'Name it in the destination or by names=, not both.',
    })
  }
  return {
    names: namesFor(image, options.names ?? references),
    endpoint: endpointOf(options, context.env, context.plan.root),
  }
}
