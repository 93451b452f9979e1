import { UsageError } from './errors.ts'

/** A name that an image is to get. */
export interface WantedName {
  /** Who wants it. */
  readonly image: string
  readonly name: string
  /** Where, as messages say it: `in containerd at /run/x.sock`. What is a name of its own leaves it out. */
  readonly place?: string
}

/** Throws `NAME_TAKEN` when two images want one name in one place. */
export function refuseTaken(names: readonly WantedName[], hint: string): void {
  const taken = new Map<string, string>()
  for (const { image, name, place } of names) {
    const where = place === undefined ? name : `${name} ${place}`
    const other = taken.get(where) ?? image
    taken.set(where, other)
    if (other === image) continue
    const why = `images ${other} and ${image} would both be ${where}`
    throw new UsageError('NAME_TAKEN', why, { hint })
  }
}
