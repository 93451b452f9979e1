import { beforeAll, describe, expect, it } from 'vitest'
import type { Annotations, Descriptor } from '../documents/descriptor.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { platformManifests } from '../graph/select.ts'
import type { ImageSource } from '../graph/source.ts'
import { type TestImage, testImage } from '../graph/test-image.ts'
import { validateImage } from '../validate/validate.ts'
import type { Medium } from './medium.ts'
import { pickImage } from './pick.ts'

const ref = 'org.opencontainers.image.ref.name'
const whole = 'io.containerd.image.name'

let image: TestImage
let amd64: Descriptor
let arm64: Descriptor
let other: Descriptor
beforeAll(async () => {
  image = await testImage(['linux/amd64', 'linux/arm64'])
  const second = await testImage(['linux/amd64'], [{ type: 'directory', path: 'other' }])
  for (const [digest, blob] of second.blobs) image.blobs.set(digest, blob)
  const [first, next] = image.manifests
  const [last] = second.manifests
  if (first === undefined || next === undefined || last === undefined)
    throw new Error('too few manifests')
  amd64 = first
  arm64 = next
  other = last
})

function medium(manifests: readonly Descriptor[], format?: 'docker'): Medium {
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
  const blob = image.content.blob
  return { path: 'x.tar', index, blob, ...(format === undefined ? {} : { format }) }
}

const named = (item: Descriptor, annotations: Annotations): Descriptor => ({ ...item, annotations })

/** The images of a medium opened whole: digest and names of each. */
function imagesOf(manifests: readonly Descriptor[], format?: 'docker'): [string, unknown][] {
  const images = pickImage(medium(manifests, format), undefined, true).images?.() ?? []
  return images.map(item => [item.root.digest, item.names])
}

async function platformsOf(source: ImageSource): Promise<number> {
  expect((await validateImage(source)).findings).toEqual([])
  return (await platformManifests(source)).length
}

describe('the names of an image', () => {
  it.each([
    ['containerd’s', { [whole]: 'docker.io/library/x:1', [ref]: '1' }, ['docker.io/library/x:1']],
    ['a ref.name that is whole', { [ref]: 'example.com/x:1' }, ['example.com/x:1']],
    ['a short one', { [ref]: 'x:1' }, ['docker.io/library/x:1']],
    ['no bare tag', { [ref]: 'latest' }, []],
    ['no free text', { [ref]: 'Release: 1' }, []],
    ['none', {}, []],
  ] as [string, Annotations, string[]][])('are %s', (_, annotations, names) => {
    expect(imagesOf([named(image.root, annotations)])).toEqual([[image.root.digest, names]])
    const picked = pickImage(medium([named(image.root, annotations)]), undefined)
    expect(picked.names).toEqual(names)
  })

  it('are all of them for one image, or the one by which it was asked for', () => {
    const both = [named(image.root, { [ref]: 'a:1' }), named(image.root, { [ref]: 'b:1' })]
    const names = ['docker.io/library/a:1', 'docker.io/library/b:1']
    expect(imagesOf(both)).toEqual([[image.root.digest, names]])
    expect(pickImage(medium(both), undefined).names).toEqual(names)
    expect(pickImage(medium(both), image.root.digest).names).toEqual(names)
    expect(pickImage(medium(both), 'b:1').names).toEqual(names.slice(1))
  })

  it('keep several images apart', () => {
    const two = [named(image.root, { [ref]: 'a:1' }), named(other, { [ref]: 'b:1' })]
    expect(imagesOf(two)).toEqual([
      [image.root.digest, ['docker.io/library/a:1']],
      [other.digest, ['docker.io/library/b:1']],
    ])
  })
})

describe('what a medium without the wanted image says', () => {
  it('lists ten of its names, the likeliest first', () => {
    const many = Array.from({ length: 12 }, (_, at) => named(other, { [ref]: `team/app:${at}x` }))
    expect(() => pickImage(medium([...many, named(other, { [ref]: 'web:1' })]), 'web:2')).toThrow(
      /it holds web:1, (?:team\/app:\w+, ){8}team\/app:\w+ and 3 more$/,
    )
    expect(() => pickImage(medium([amd64]), 'x:1')).toThrow(
      expect.objectContaining({
        message: `x.tar has no image x:1; it holds ${amd64.digest}`,
        hint: expect.stringContaining('oci-archive:file:NAME, docker-archive:file:NAME'),
      }),
    )
  })

  it('takes a digest for no name, as containerd’s records for the kubelet have it', () => {
    const id = `sha256:${'a'.repeat(64)}`
    const records = [
      named(image.root, { [whole]: 'x.org/a:1' }),
      named(image.root, { [whole]: id }),
    ]
    expect(imagesOf(records)).toEqual([[image.root.digest, ['x.org/a:1']]])
    expect(() => pickImage(medium(records), 'b:1')).toThrow(/it holds x\.org\/a:1$/)
  })
})

describe('manifests side by side', () => {
  it.each([
    ['without names', {}],
    ['with one bare tag', { [ref]: 'latest' }],
  ])('%s are one image, an index of their platforms', async (_, annotations) => {
    const flat = [named(amd64, annotations), named(arm64, annotations)]
    const [found] = pickImage(medium(flat), undefined, true).images?.() ?? []
    if (found === undefined) throw new Error('no image')
    expect(found.root.mediaType).toBe(mediaTypes.index)
    expect(found.names).toEqual([])
    expect(await platformsOf(found)).toBe(2)
    expect(pickImage(medium(flat), undefined).root).toEqual(found.root)
    // The names are the medium's, not the image's: the same image, whatever it was called there.
    expect(found.root).toEqual(pickImage(medium([amd64, arm64]), undefined).root)
  })

  it('under one name are refused, unless they are taken as one image on purpose', async () => {
    const flat = [named(amd64, { [ref]: 'x:1' }), named(arm64, { [ref]: 'x:1' })]
    const opened = pickImage(medium(flat), undefined, true)
    expect(() => opened.images?.()).toThrow(
      `x.tar has 2 images named docker.io/library/x:1: ${amd64.digest} (linux/amd64), ${arm64.digest} (linux/arm64)`,
    )
    expect(() => pickImage(medium(flat), 'x:1')).toThrow('has 2 images named x:1')
    const one = pickImage(medium(flat), undefined)
    expect(one.names).toEqual(['docker.io/library/x:1'])
    expect(await platformsOf(one)).toBe(2)
    expect(pickImage(medium(flat), arm64.digest).root.digest).toBe(arm64.digest)
  })

  it('of one platform are never one image', () => {
    expect(() => pickImage(medium([amd64, other]), undefined)).toThrow('more than one image')
    expect(imagesOf([amd64, other])).toEqual([
      [amd64.digest, []],
      [other.digest, []],
    ])
    const same = [named(amd64, { [ref]: 'x:1' }), named(other, { [ref]: 'x:1' })]
    const opened = pickImage(medium(same), undefined, true)
    expect(() => opened.images?.()).toThrow('has 2 images named docker.io/library/x:1')
    try {
      opened.images?.()
    } catch (error) {
      expect(error).toMatchObject({ code: 'IMAGE_AMBIGUOUS' })
      expect((error as { hint: string }).hint).not.toContain('--name')
    }
  })

  it('with different tags, or of a platform that is not said, are several images', () => {
    const tags = [named(amd64, { [ref]: 'v1' }), named(arm64, { [ref]: 'v2' })]
    expect(imagesOf(tags)).toHaveLength(2)
    const { platform: _, ...bare } = arm64
    expect(imagesOf([amd64, bare])).toHaveLength(2)
    expect(() => pickImage(medium(tags), undefined)).toThrow('it holds v1, v2')
  })

  it('in a docker archive are several images', () => {
    expect(imagesOf([amd64, arm64], 'docker')).toHaveLength(2)
    expect(() => pickImage(medium([amd64, arm64], 'docker'), undefined)).toThrow(
      'more than one image',
    )
  })

  it('take attestations along, and an attestation alone makes no image', () => {
    const attestation: Descriptor = {
      ...image.keep(Buffer.from('{}'), mediaTypes.manifest),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.digest': amd64.digest },
    }
    const [flat] = pickImage(medium([amd64, arm64, attestation]), undefined, true).images?.() ?? []
    expect(flat?.root.mediaType).toBe(mediaTypes.index)
    expect(flat?.root.size).toBeGreaterThan(pickImage(medium([amd64, arm64]), undefined).root.size)
    const beside = [named(amd64, { [ref]: 'x:1' }), attestation]
    const [only, ...more] = pickImage(medium(beside), undefined, true).images?.() ?? []
    expect(more).toEqual([])
    expect(only?.names).toEqual(['docker.io/library/x:1'])
    expect(pickImage(medium(beside), 'x:1').root.digest).toBe(amd64.digest)
    expect(imagesOf([image.root, attestation])).toEqual([[image.root.digest, []]])
    image.blobs.delete(attestation.digest)
  })

  it('are no images at all in an empty medium', () => {
    expect(imagesOf([])).toEqual([])
    expect(() => pickImage(medium([]), undefined)).toThrow('x.tar has no image; it holds none')
  })
})
