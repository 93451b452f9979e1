import { OrchError, toError, UsageError } from '@orch/oci'
import type { ExportPlace } from '../events.ts'
import { freeze } from '../freeze.ts'
import type { Exported, ExportResult, Image } from '../types/build.ts'
import type { ExportContext } from '../types/context.ts'
import type { ExportPlan } from '../types/plan.ts'
import type { Stage, Workshop } from './stage.ts'

/** Every chosen exporter, side by side; each settles on its own. */
export const exportImage: Stage<Image, Exported, ExportContext> = {
  name: 'export',
  async run(image, context, { hooks }) {
    const { events, plan } = context
    const ends = await Promise.all(
      plan.exports.map(async request => {
        try {
          return await exportTo(request, image, context, hooks)
        } catch (thrown) {
          const error = toError(thrown)
          const code = context.signal.aborted
            ? 'INTERRUPTED'
            : error instanceof OrchError
              ? error.code
              : 'EXPORT_FAILED'
          const { message } = error
          const place = placeOf(request, plan.exports)
          events.emit({ type: 'export.failed', image: image.name, ...place, code, message })
          return error
        }
      }),
    )
    return {
      results: ends.flatMap(end => (end instanceof Error ? [] : [end])),
      errors: ends.filter(end => end instanceof Error),
    }
  },
}

async function exportTo(
  request: ExportPlan,
  image: Image,
  context: ExportContext,
  hooks: Workshop['hooks'],
): Promise<ExportResult> {
  const began = performance.now()
  const { exporter, references } = request
  const named = references === undefined ? image : freeze({ ...image, references })
  const result = await hooks.export.get(exporter)?.promise(named, request, context)
  if (result === undefined) throw missing(exporter)
  const milliseconds = performance.now() - began
  const { place } = placeOf(request, context.plan.exports)
  const told = place === undefined ? { result } : { result, place }
  context.events.emit({ type: 'export.done', image: image.name, ...told, milliseconds })
  return result
}

/** Tells one exporter's exports apart by the options in which they differ. */
function placeOf(request: ExportPlan, exports: readonly ExportPlan[]): ExportPlace {
  const { exporter } = request
  const own = optionsOf(request)
  const others = exports.filter(item => item !== request && item.exporter === exporter)
  const differing = Object.keys(own).filter(key =>
    others.some(other => JSON.stringify(optionsOf(other)[key]) !== JSON.stringify(own[key])),
  )
  const values = differing.map(key => own[key]).filter(value => typeof value === 'string')
  return { exporter, ...(values.length === 0 ? {} : { place: values.join(' ') }) }
}

function optionsOf({ options }: ExportPlan): Readonly<Record<string, unknown>> {
  return typeof options === 'object' && options !== null ? { ...options } : {}
}

function missing(exporter: string): UsageError {
  return new UsageError(
    'EXPORTER_MISSING',
    `no plugin took the export to ${JSON.stringify(exporter)}`,
    {
      hint: 'A plugin that lists an exporter must tap hooks.export.for(its name).',
    },
  )
}
