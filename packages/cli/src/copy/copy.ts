import type { Exported, ExportPlan, Image, Orch } from '@orch/core'
import type { Result, ResultManifest } from '@orch/report'
import { imagesOf, type Wanted } from './images.ts'
import { surveyImages } from './survey.ts'

/**
 * Copies the images of a source to where the exports say. Throws what `imagesOf` and `surveyImages`
 * throw, and then has written nothing; what goes wrong in an export is in the result.
 */
export async function copyImages(
  orch: Orch,
  source: string,
  exports: readonly ExportPlan[],
  wanted: Omit<Wanted, 'destinationName'>,
): Promise<Result> {
  const began = performance.now()
  const [destinationName] = exports.flatMap(({ references = [] }) => references)
  const images = await imagesOf(orch, source, { ...wanted, destinationName })
  const manifests = await surveyImages(images, wanted.signal)
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
