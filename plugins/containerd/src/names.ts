import { UsageError, wholeReference } from '@orch/oci'

/**
 * The names that an image gets in containerd: whole references, as Kubernetes and nerdctl look for them;
 * `x:1` is docker.io/library/x:1. Throws `NAME_MISSING`, `REFERENCE_INVALID`.
 */
export function namesFor(image: string, references: readonly string[]): readonly string[] {
  if (references.length === 0) {
    throw new UsageError(
      'NAME_MISSING',
      `image ${image} has no name to be known by in containerd`,
      {
        hint: 'Give it one: --name example.com/team/app:1 for a copy, tags: or --tag for a build.',
      },
    )
  }
  return [...new Set(references.map(wholeReference))]
}
