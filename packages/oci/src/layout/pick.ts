import { blobFromBytes } from '../blob/blob.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { isDigest } from '../documents/digest.ts'
import { encodeIndex, type ImageIndex } from '../documents/image-index.ts'
import { OrchError } from '../errors.ts'
import type { ContentSource, ImageSource } from '../graph/source.ts'
import { isNamed, namesOf } from './names.ts'

/**
 * The top-level descriptor of a layout or an archive that a name, a digest or nothing means. With
 * nothing, there must be one image (under however many names). Throws `IMAGE_NOT_FOUND` and
 * `IMAGE_AMBIGUOUS`, which list what there is.
 */
function pickRoot(index: ImageIndex, wanted: string | undefined, what: string): Descriptor {
  const fitting = index.manifests.filter(
    item =>
      wanted === undefined || (isDigest(wanted) ? item.digest === wanted : isNamed(item, wanted)),
  )
  const [first] = fitting
  const listed = index.manifests.map(item => namesOf(item).at(-1) ?? item.digest)
  const there =
    listed.length === 0 ? 'it holds none' : `it holds ${[...new Set(listed)].join(', ')}`
  if (first === undefined) {
    throw new OrchError(
      'IMAGE_NOT_FOUND',
      `${what} has no image ${wanted ?? ''}; ${there}`.replace(' ;', ';'),
      {
        hint: 'Name one of these after the path and a colon.',
      },
    )
  }
  if (fitting.some(item => item.digest !== first.digest)) {
    const how =
      wanted === undefined ? 'holds more than one image' : `has two images named ${wanted}`
    throw new OrchError('IMAGE_AMBIGUOUS', `${what} ${how}; ${there}`, {
      hint:
        wanted === undefined
          ? 'Name one of these after the path and a colon.'
          : 'Name it by its digest.',
    })
  }
  return first
}

/** A medium that holds images under names: a layout, an archive. */
export interface Medium extends ContentSource {
  readonly path: string
  readonly index: ImageIndex
}

/**
 * The image of a medium that `name` means. With `whole` and no name the root is the medium's own index,
 * so that a walk meets every image; otherwise the errors are those of `pickRoot`.
 */
export function pickImage(medium: Medium, name: string | undefined, whole = false): ImageSource {
  if (!whole || name !== undefined)
    return { root: pickRoot(medium.index, name, medium.path), content: medium }
  const own = blobFromBytes(encodeIndex(medium.index), medium.index.mediaType)
  const { digest } = own.descriptor
  const blob: ContentSource['blob'] = async wanted =>
    wanted.digest === digest ? own : medium.blob(wanted)
  return { root: own.descriptor, content: { blob } }
}
