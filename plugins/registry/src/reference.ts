import { hostAlone, parseReference, type Reference, shown, UsageError } from '@orch/oci'

/**
 * Reads the reference of an image in a registry. Throws `REFERENCE_INVALID`, also for a host alone: by the
 * grammar `localhost:5000` is a repository of Docker Hub, but nobody means that.
 */
export function repositoryReference(text: string): Reference {
  const host = hostAlone(text)
  if (host === undefined) return parseReference(text)
  throw new UsageError('REFERENCE_INVALID', `${shown(text)} is a host and names no repository`, {
    hint: `Write host/repository:tag, such as ${host}/app:1.`,
  })
}
