import { toError } from '@orch/oci'
import type { Exported, Image } from '../types/build.ts'
import type { BuildContext } from '../types/context.ts'
import { resolveExports } from './resolve-exports.ts'
import { runStage, type Workshop } from './stage.ts'
import { stages } from './stages.ts'

/** Exports images that exist, side by side, and says so as a build does. Never throws: the answer tells. */
export async function exportImages(
  images: readonly Image[],
  context: BuildContext,
  workshop: Workshop,
): Promise<readonly Exported[]> {
  const { events, plan } = context
  const began = performance.now()
  const names = images.map(({ name }) => name)
  events.emit({
    type: 'build.start',
    images: names,
    exports: plan.exports.map(item => item.exporter),
  })
  const refusal = await resolveExports(images, context, workshop).then(() => undefined, toError)
  const exported = await Promise.all(
    images.map(async image => {
      try {
        if (refusal !== undefined) throw refusal
        const place = { ...context, image, images: names }
        return await runStage(stages.export, image, place, workshop)
      } catch (error) {
        return { results: [], errors: [toError(error)] }
      }
    }),
  )
  const ok = exported.every(({ errors }) => errors.length === 0)
  events.emit({ type: 'build.done', ok, milliseconds: performance.now() - began })
  return exported
}
