import type { Image } from '@orch/core'
import {
  missingError,
  type OrchError,
  platformManifests,
  type Survey,
  surveyGraph,
} from '@orch/oci'
import type { ResultManifest } from '@orch/report'

/**
 * Looks at everything below the images before anything is written anywhere, and gives the manifests
 * of each, by platform. Throws one error for all that is missing: `IMAGE_INCOMPLETE`.
 */
export async function surveyImages(
  images: readonly Image[],
  signal: AbortSignal | undefined,
): Promise<readonly (readonly ResultManifest[])[]> {
  const surveys: Survey[] = []
  const errors: OrchError[] = []
  for (const image of images) {
    const survey = await surveyGraph(image, { signal })
    surveys.push(survey)
    const what = `image ${image.references[0] ?? image.root.digest}`
    if (survey.missing.length > 0) errors.push(missingError(survey, what))
  }
  if (errors.length > 0) throw new AggregateError(errors, 'images are incomplete')
  return Promise.all(images.map((image, at) => manifestsOf(image, surveys[at], signal)))
}

async function manifestsOf(
  image: Image,
  survey: Survey | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly ResultManifest[]> {
  const documents = new Map(
    survey?.nodes.map(({ descriptor, document }) => [descriptor.digest, document]),
  )
  return (await platformManifests(image, signal)).flatMap(({ descriptor, platform }) => {
    const document = documents.get(descriptor.digest)
    if (document?.kind !== 'manifest') return []
    const { config, layers } = document.manifest
    return [{ platform, descriptor, config: { descriptor: config }, layers }]
  })
}
