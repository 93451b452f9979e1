import type { Annotations, Descriptor } from '../documents/descriptor.ts'
import { isDigest } from '../documents/digest.ts'
import {
  familiarReference,
  formatReference,
  parseReference,
  wholeReference,
  withDefaultTag,
} from '../documents/reference.ts'
import type { ImageSource } from '../graph/source.ts'

/** Annotations by which media name what lies at their top level. */
export const nameAnnotations = {
  /** image-spec, annotations.md: read by skopeo, umoci, crane, BuildKit. */
  ref: 'org.opencontainers.image.ref.name',
  /** Read by containerd and Docker: a whole reference. */
  containerd: 'io.containerd.image.name',
} as const

/**
 * The annotations for one name of an image: the short form for tools that take any text, the whole
 * one for containerd. `x:1` gives ref.name `x:1` and image.name `docker.io/library/x:1`.
 */
export function nameToAnnotations(name: string): Annotations {
  const reference = withDefaultTag(parseReference(name))
  return {
    [nameAnnotations.containerd]: formatReference(reference),
    [nameAnnotations.ref]: familiarReference(reference),
  }
}

/**
 * The names that a top-level descriptor carries, containerd's first. A digest, as the kubelet's containerd
 * names a record beside the image's own, is none.
 */
export function namesOf({ annotations = {} }: Descriptor): readonly string[] {
  const names = [annotations[nameAnnotations.containerd], annotations[nameAnnotations.ref]]
  return names.filter(name => name !== undefined && name !== '' && !isDigest(name)) as string[]
}

/**
 * The whole reference that a top-level descriptor carries (`docker.io/library/x:1`): containerd's name,
 * else a ref.name that is one. A bare tag, as buildx and skopeo write it there, and free text are none.
 */
export function referenceOf({ annotations = {} }: Descriptor): string | undefined {
  const short = annotations[nameAnnotations.ref] ?? ''
  return (
    wholeName(annotations[nameAnnotations.containerd] ?? '') ??
    (/[/:@]/.test(short) ? wholeName(short) : undefined)
  )
}

/** The same descriptor without the annotations that name it. */
export function withoutNames(descriptor: Descriptor): Descriptor {
  const { annotations = {}, ...rest } = descriptor
  const kept = Object.entries(annotations).filter(
    ([key]) => !Object.values<string>(nameAnnotations).includes(key),
  )
  return kept.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(kept) }
}

/** Whether a name that a person gave means this descriptor: either annotation, in short or whole form, or a lone tag. */
export function isNamed(descriptor: Descriptor, wanted: string): boolean {
  const names = namesOf(descriptor)
  const whole = wholeName(wanted)
  return (
    names.includes(wanted) || (whole !== undefined && names.some(name => wholeName(name) === whole))
  )
}

/** Undefined for a digest, and for free text, as ref.name may be. */
function wholeName(text: string): string | undefined {
  try {
    return isDigest(text) ? undefined : wholeReference(text)
  } catch {
    return undefined
  }
}

/** An image and the names under which a medium shall know it; with no name it is found by digest alone. */
export interface NamedImage {
  readonly source: ImageSource
  readonly names: readonly string[]
}

/** What a medium lists at its top level for an image: its root, once for each name. */
export function topDescriptors({ source, names }: NamedImage): readonly Descriptor[] {
  const bare = withoutNames(source.root)
  if (names.length === 0) return [bare]
  return names.map(name => ({
    ...bare,
    annotations: { ...bare.annotations, ...nameToAnnotations(name) },
  }))
}
