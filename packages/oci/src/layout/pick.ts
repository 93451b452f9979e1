import { isDigest } from '../documents/digest.ts'
import { OrchError } from '../errors.ts'
import { indexOver } from '../graph/over.ts'
import type { ImageSource } from '../graph/source.ts'
import { nearestFirst } from '../nearest.ts'
import { ambiguous, flatImage, imageOf, imagesOf, type Medium, mainDescriptors } from './medium.ts'
import { isNamed, namesOf } from './names.ts'

const nameHint =
  'Name one of these at the end of the source: oci:folder:NAME, oci-archive:file:NAME, docker-archive:file:NAME, containerd:NAME.'

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
  if (first === undefined) throw notFound(medium, `no image ${wanted}`, wanted)
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
    { hint: nameHint },
  )
}

function notFound(medium: Medium, what: string, wanted?: string): OrchError {
  return new OrchError('IMAGE_NOT_FOUND', `${medium.path} has ${what}; ${listOf(medium, wanted)}`, {
    hint:
      medium.index.manifests.length === 0
        ? 'The image may be elsewhere: check the path, or the address and the namespace.'
        : nameHint,
  })
}

/** The most images that a message lists. */
const maxListed = 10

/** What the medium holds, by name or else by digest; what is most like the name that is wanted comes first. */
function listOf({ index }: Medium, wanted?: string): string {
  const images = Map.groupBy(index.manifests, item => item.digest)
  const names = new Set(
    [...images].flatMap(([digest, items]) => {
      const own = items.flatMap(item => namesOf(item).at(-1) ?? [])
      return own.length === 0 ? [digest] : own
    }),
  )
  if (names.size === 0) return 'it holds none'
  const sorted = wanted === undefined ? [...names] : nearestFirst(wanted, names)
  const more = sorted.length > maxListed ? ` and ${sorted.length - maxListed} more` : ''
  return `it holds ${sorted.slice(0, maxListed).join(', ')}${more}`
}
