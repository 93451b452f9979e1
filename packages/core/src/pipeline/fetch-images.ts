import { type Digest, OrchError, toError } from '@orch/oci'
import type { FetchedBase, FetchResult } from '../types/build.ts'
import type { BuildContext, ImageContext } from '../types/context.ts'
import type { ImagePlan } from '../types/plan.ts'
import { basesOf } from './base.ts'
import { runStage, type Workshop } from './stage.ts'
import { stages } from './stages.ts'

/**
 * Fetches what the images of a plan need. Never throws: the answer tells.
 * @param found the digests that the workshop's sources note
 */
export async function fetchImages(
  build: BuildContext,
  workshop: Workshop,
  found: ReadonlyMap<string, Digest>,
): Promise<FetchResult> {
  const { plan, events } = build
  const began = performance.now()
  events.emit({ type: 'build.start', images: plan.images.map(({ name }) => name), exports: [] })
  const errors: Error[] = []
  await workshop.hooks.configResolved
    .promise(plan, build)
    .catch(error => errors.push(toError(error)))
  const images = await Promise.all(
    errors.length > 0 ? [] : plan.images.map(image => fetchImage(image, build, workshop, found)),
  )
  const ok = errors.length === 0 && images.every(image => image.errors.length === 0)
  const milliseconds = performance.now() - began
  events.emit({ type: 'build.done', ok, milliseconds })
  return { images, errors, ok, milliseconds }
}

async function fetchImage(
  image: ImagePlan,
  build: BuildContext,
  workshop: Workshop,
  found: ReadonlyMap<string, Digest>,
): Promise<FetchResult['images'][number]> {
  const { name } = image
  let bases: readonly FetchedBase[] = []
  try {
    const context: ImageContext = { ...build, image }
    const chosen = basesOf(context, workshop)
    const platforms = await runStage(stages.resolvePlatforms, chosen, context, workshop)
    bases = await runStage(stages.fetch, { platforms, bases: chosen, found }, context, workshop)
    return { name, bases, errors: [] }
  } catch (thrown) {
    const error = toError(thrown)
    const code = build.signal.aborted
      ? 'INTERRUPTED'
      : error instanceof OrchError
        ? error.code
        : 'FETCH_FAILED'
    build.events.emit({ type: 'image.failed', image: name, code, message: error.message })
    return { name, bases, errors: [error] }
  }
}
