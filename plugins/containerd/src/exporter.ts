import type { ExportContext, ExportPlan, Image } from '@orch/core'
import { endpointOf, type Watching } from './endpoint.ts'
import type { Request } from './load/session.ts'
import { namesFor } from './names.ts'
import type { ContainerdOptions } from './options.ts'

/** What an export asks for, the environment's part filled in. Throws `NAME_MISSING`, `REFERENCE_INVALID`. */
export function requestOf(
  image: Image,
  plan: ExportPlan,
  context: ExportContext,
  watching: Watching,
): Request {
  const options = plan.options as ContainerdOptions
  const { env } = context
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
