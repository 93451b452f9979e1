import type { ExportContext, ExportPlan, Image } from '@orch/core'
import { UsageError } from '@orch/oci'
import { endpointOf, type Watching } from './endpoint.ts'
import type { Request } from './load/session.ts'
import { namesFor } from './names.ts'
import type { ContainerdOptions } from './options.ts'

/** What an export asks for, the environment's part filled in. Throws `NAME_MISSING`, `NAME_TWICE`,
 * `REFERENCE_INVALID`. */
export function requestOf(
  image: Image,
  plan: ExportPlan,
  context: ExportContext,
  watching: Watching,
): Request {
  const options = plan.options as ContainerdOptions
  const { env } = context
  if (options.names !== undefined && plan.references !== undefined) {
    const given = [...plan.references, ...options.names].join(', ')
    throw new UsageError('NAME_TWICE', `names are given twice for image ${image.name}: ${given}`, {
      hint: 'Name it in the destination or by names=, not both.',
    })
  }
  const snapshotter = options.snapshotter ?? (env['CONTAINERD_SNAPSHOTTER'] || undefined)
  return {
    exporter: plan.exporter,
    image,
    options: { ...options, snapshotter },
    names: namesFor(image.name, options.names ?? image.references),
    endpoint: { ...endpointOf(options, env, context.plan.root), ...watching },
    context,
  }
}
