import type { Exported, ExportPlan, Image, Orch } from '@orch/core'
import type { Result, ResultManifest } from '@orch/report'
import { type CopyOptions, imagesOf } from './images.ts'
import { surveyImages } from './survey.ts'

/**
 * Copies images that exist, whole and unchanged, to where the exports say, as `orch copy` does. Throws
 * for what cannot be copied, and then has written nothing: `REFERENCE_INVALID` for a name,
 * `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS` when there are several images for one name,
 * `PLATFORM_MISSING`, an AggregateError of `IMAGE_INCOMPLETE` for all images that lack a blob, and what
 * opening the source throws. What goes wrong in an export is in the result, with its image.
 * @param source as for `Orch.open`; without a name or digest, every image that the medium holds
 * @param exports whose options are checked already: those of `planDestinations`
 */
export async function copyImages(
  orch: Orch,
  source: string,
  exports: readonly ExportPlan[],
  options: CopyOptions = {},
): Promise<Result> {
  const began = performance.now()
  const [destinationName] = exports.flatMap(({ references = [] }) => references)
  const images = await imagesOf(orch, source, { ...options, destinationName })
  const manifests = await surveyImages(images, options.signal)
  const exported = await orch.export(images, exports)
  const results = images.map((image, at) =>
    resultOf(image, manifests[at] ?? [], exported[at] ?? { results: [], errors: [] }, exports),
  )
  return {
    images: results,
    errors: [],
    ok: results.every(({ errors }) => errors.length === 0),
    milliseconds: performance.now() - began,
  }
}

/** An image with the names that it was to get anywhere. */
function resultOf(
  { name, root, references }: Image,
  manifests: readonly ResultManifest[],
  { results, errors }: Exported,
  exports: readonly ExportPlan[],
): Result['images'][number] {
  const asked = exports.flatMap(item => item.references ?? references)
  const image = { root, references: [...new Set(asked)], manifests }
  return { name, image, exports: results, errors }
}
