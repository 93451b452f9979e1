import type { BuildResult, BuiltImage } from '@orch/core'
import { familiarReference, parseReference } from '@orch/oci'
import { visible } from '../text.ts'

/**
 * What a build writes to standard output: `name@digest` for every image that was built and exported
 * everywhere. The name is the repository of its first reference as people write it, or the image's
 * own name when it has no reference. Throws `REFERENCE_INVALID` for a reference that is none.
 */
export function resultLines(result: BuildResult): string[] {
  return result.images.flatMap(({ image, errors }) =>
    image === undefined || errors.length > 0 ? [] : [`${nameOf(image)}@${image.root.digest}`],
  )
}

function nameOf({ name, references }: BuiltImage): string {
  const [first] = references
  if (first === undefined) return visible(name)
  const { domain, path } = parseReference(first)
  return familiarReference({ domain, path })
}
