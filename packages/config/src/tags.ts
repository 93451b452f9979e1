import { parseReference, UsageError } from '@orch/oci'

/**
 * A tag as a plan holds it: as it was written, `:latest` added where it names none. Throws
 * `REFERENCE_INVALID`, also for a digest, since what is not built yet has none.
 */
export function normalizeTag(text: string): string {
  const reference = parseReference(text)
  if (reference.digest !== undefined) {
    throw new UsageError('REFERENCE_INVALID', `the tag ${JSON.stringify(text)} has a digest`, {
      hint: 'Leave out what follows the @.',
    })
  }
  return reference.tag === undefined ? `${text}:latest` : text
}
