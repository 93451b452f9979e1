import { familiarReference, parseReference } from '@orch/oci'
import { visible } from '../text.ts'
import type { Result, ResultImage } from './result.ts'

/**
 * What a build or a copy writes to standard output, for every image that was exported everywhere:
 * `name@digest` as it is where it was put, once for exports that agree. The name is the repository of the
 * first name there as people write it, else of the image's first reference, else the image's own name.
 */
export function resultLines(result: Result): string[] {
  return result.images.flatMap(image =>
    image.errors.length > 0 ? [] : [...new Set(linesOf(image))],
  )
}

function linesOf({ name, image, exports }: ResultImage): string[] {
  if (image === undefined) return []
  const { root, references } = image
  const places = exports.length === 0 ? [{ names: references, digest: root.digest }] : exports
  return places.map(({ names, digest }) => {
    const first = names[0] ?? references[0]
    return `${visible(first === undefined ? name : repositoryOf(first))}@${digest}`
  })
}

/** The text itself when it is no reference: what an exporter calls a name may be any text. */
function repositoryOf(text: string): string {
  try {
    const { domain, path } = parseReference(text)
    return familiarReference({ domain, path })
  } catch {
    return text
  }
}
