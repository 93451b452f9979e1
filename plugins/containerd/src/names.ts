import type { ExportContext } from '@orch/core'
import { UsageError, wholeReference } from '@orch/oci'
import type { Endpoint } from './endpoint.ts'

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

/** The names that images of one run take: no two images may want the same in one place. */
export class TakenNames {
  readonly #taken = new WeakMap<object, Map<string, string>>()

  /** Throws `NAME_TAKEN` when another image of this run wants one of the names there. */
  take(
    image: string,
    names: readonly string[],
    { address, namespace }: Endpoint,
    { plan }: ExportContext,
  ): void {
    const taken = this.#taken.get(plan) ?? new Map<string, string>()
    this.#taken.set(plan, taken)
    for (const name of names) {
      const key = JSON.stringify([address, namespace, name])
      const other = taken.get(key) ?? image
      taken.set(key, other)
      if (other === image) continue
      throw new UsageError(
        'NAME_TAKEN',
        `images ${other} and ${image} would both be ${name} in containerd at ${address}`,
        { hint: 'Give each a name of its own; names= of an exporter is for one image.' },
      )
    }
  }
}
