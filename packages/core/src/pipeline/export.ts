import { OrchError, toError, UsageError } from '@orch/oci'
import type { Exported, ExportResult, Image } from '../types/build.ts'
import type { ExportContext } from '../types/context.ts'
import type { Stage } from './stage.ts'

/** Every chosen exporter, side by side; each settles on its own. */
export const exportImage: Stage<Image, Exported, ExportContext> = {
  name: 'export',
  async run(image, context, { hooks }) {
    const { events, plan } = context
    const settled = await Promise.allSettled(
      plan.exports.map(async request => {
        const began = performance.now()
        const hook = hooks.export.get(request.exporter)
        const result = (await hook?.promise(image, request, context)) as ExportResult | undefined
        if (result === undefined) throw missing(request.exporter)
        events.emit({
          type: 'export.done',
          image: image.name,
          result,
          milliseconds: performance.now() - began,
        })
        return result
      }),
    )
    const results: ExportResult[] = []
    const errors: Error[] = []
    for (const [at, item] of settled.entries()) {
      if (item.status === 'fulfilled') {
        results.push(item.value)
        continue
      }
      const error = toError(item.reason)
      const code = error instanceof OrchError ? error.code : 'EXPORT_FAILED'
      const exporter = plan.exports[at]?.exporter ?? ''
      errors.push(error)
      events.emit({
        type: 'export.failed',
        image: image.name,
        exporter,
        code,
        message: error.message,
      })
    }
    return { results, errors }
  },
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
