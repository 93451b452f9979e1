import type { Descriptor } from '../documents/descriptor.ts'
import { isDigest } from '../documents/digest.ts'
import { OrchError } from '../errors.ts'
import { indexOver } from '../graph/over.ts'
import type { ImageSource } from '../graph/source.ts'
import { ambiguous, flatImage, imageOf, imagesOf, type Medium, mainDescriptors } from './medium.ts'
import { isNamed, namesOf } from './names.ts'

/**
 * The image of a medium that a name or a digest means, with the names under which it was found. With
 * neither, the only one (under however many names), or the flat index that the medium is. With `whole`
 * and no name the root is the medium's own index, so that a walk meets every image, and `images` tells
 * them apart. Throws `IMAGE_NOT_FOUND` and `IMAGE_AMBIGUOUS`, which list what there is.
 */
export function pickImage(medium: Medium, name: string | undefined, whole = false): ImageSource {
  if (name !== undefined) return imageNamed(medium, name)
  return whole
    ? { ...indexOver(medium, medium.index), images: () => imagesOf(medium) }
    : onlyImage(medium)
}

function imageNamed(medium: Medium, wanted: string): ImageSource {
  const [first, ...rest] = medium.index.manifests.filter(item =>
    isDigest(wanted) ? item.digest === wanted : isNamed(item, wanted),
  )
  if (first === undefined) throw notFound(medium, `no image ${wanted}`)
  if (rest.some(item => item.digest !== first.digest))
    throw ambiguous(medium, wanted, [first, ...rest])
  return imageOf(medium, [first, ...rest])
}

function onlyImage(medium: Medium): ImageSource {
  const flat = flatImage(medium)
  if (flat !== undefined) return flat
  const [first, ...rest] = mainDescriptors(medium)
  if (first === undefined) throw notFound(medium, 'no image')
  if (rest.every(item => item.digest === first.digest)) return imageOf(medium, [first, ...rest])
  throw new OrchError(
    'IMAGE_AMBIGUOUS',
    `${medium.path} holds more than one image; ${listOf(medium)}`,
    { hint: 'Name one of these after the path and a colon.' },
  )
}

function notFound(medium: Medium, what: string): OrchError {
  return new OrchError('IMAGE_NOT_FOUND', `${medium.path} has ${what}; ${listOf(medium)}`, {
    hint: 'Name one of these after the path and a colon.',
  })
}

function listOf({ index }: Medium): string {
  const names = index.manifests.map((item: Descriptor) => namesOf(item).at(-1) ?? item.digest)
  return names.length === 0 ? 'it holds none' : `it holds ${[...new Set(names)].join(', ')}`
}
