import type { Descriptor } from '../documents/descriptor.ts'

/** BuildKit's annotation on an attestation's descriptor: the digest of the manifest that it is about. */
export const aboutAnnotation = 'vnd.docker.reference.digest'

/** The digest of the manifest that an attestation in the same index is about; undefined for anything else. */
export function attestedBy(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[aboutAnnotation]
}

/** Whether a descriptor in an index is of something that runs nowhere: an attestation, or what else has no platform of its own. */
export function isBeside(descriptor: Descriptor): boolean {
  return attestedBy(descriptor) !== undefined || descriptor.platform?.os === 'unknown'
}
