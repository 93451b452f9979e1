import { familiarReference, parseReference } from '@orch/oci'
import { visible } from '../text.ts'
import type { Result } from './result.ts'

/**
 * What a build or a copy writes to standard output: `name@digest` for every image that was exported
 * everywhere. The name is the repository of its first reference as people write it, or the image's
 * own name when it has no reference. Throws `REFERENCE_INVALID` for a reference that is none.
 */
export function resultLines(result: Result): string[] {
  return result.images.flatMap(({ name, image, errors }) =>
    image === undefined || errors.length > 0
      ? []
      : [`${nameOf(name, image.references)}@${image.root.digest}`],
  )
}

function nameOf(name: string, [first]: readonly string[]): string {
  if (first === undefined) return visible(name)
  const { domain, path } = parseReference(first)
  return familiarReference({ domain, path })
}
