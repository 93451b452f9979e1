import { describe, expect, it } from 'vitest'
import type { Json } from '../json.ts'
import { annotationsFromJson, descriptorFromJson, descriptorToJson } from './descriptor.ts'
import { digestOf } from './digest.ts'

const content = Buffer.from('{}')
const good = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: digestOf(content),
  size: 2,
}
const read = (changes: Record<string, Json | undefined>): unknown =>
  descriptorFromJson(JSON.parse(JSON.stringify({ ...good, ...changes })), 'layers[0]')

describe('a descriptor', () => {
  it('is read with all that it may have, and written in the same order', () => {
    const full = {
      ...good,
      urls: ['https://example.com/blob'],
      annotations: { a: '1', b: '2' },
      data: 'e30=',
      platform: {
        architecture: 'arm',
        os: 'linux',
        'os.version': '1',
        'os.features': ['x'],
        variant: 'v7',
      },
      artifactType: 'application/example',
    }
    expect(JSON.stringify(descriptorToJson(descriptorFromJson(full, 'x')))).toBe(
      JSON.stringify(full),
    )
  })

  it('is written the same whatever the order of its annotations, and without empty ones', () => {
    const written = (annotations: Record<string, string>): string =>
      JSON.stringify(descriptorToJson({ ...good, annotations }))
    expect(written({ b: '2', a: '1' })).toBe(written({ a: '1', b: '2' }))
    expect(written({})).toBe(JSON.stringify(good))
  })

  it('may write what is absent as null', () => {
    const nulls = { annotations: null, platform: null, urls: null, data: null, artifactType: null }
    expect(read(nulls)).toEqual(good)
  })

  it.each([
    ['no size', { size: undefined }],
    ['a negative size', { size: -1 }],
    ['a broken size', { size: 1.5 }],
    ['a size in text', { size: '2' }],
    ['a size beyond what is counted exactly', { size: 2 ** 53 }],
    ['no media type', { mediaType: undefined }],
    ['an empty media type', { mediaType: '' }],
    ['a media type of one part', { mediaType: 'json' }],
    ['a media type with a parameter', { mediaType: 'text/plain; charset=utf-8' }],
    ['a media type with a newline', { mediaType: 'text/plain\n' }],
    ['a media type that climbs', { mediaType: '../../etc' }],
    ['no digest', { digest: undefined }],
    ['annotations of numbers', { annotations: { a: 1 } }],
    ['annotations in a list', { annotations: ['a'] }],
    ['a platform in text', { platform: 'linux/amd64' }],
    ['URLs in text', { urls: 'https://example.com' }],
    ['a URL that is no text', { urls: [1] }],
    ['data that is no text', { data: {} }],
    ['data of the same length that lies', { data: Buffer.from('[]').toString('base64') }],
    ['data of another length', { data: Buffer.from('{} ').toString('base64') }],
    ['data that is not base64', { data: 'e30=!' }],
    ['data for a size that lies', { data: 'e30=', size: 3 }],
    ['an artifact type that is no text', { artifactType: 7 }],
  ])('is refused with %s', (_what, changes) => {
    expect(() => read(changes)).toThrow(
      expect.objectContaining({
        code: 'DESCRIPTOR_INVALID',
        message: expect.stringContaining('layers[0]'),
      }),
    )
  })

  it.each([null, [], 'x', 1])('is not %j', value => {
    expect(() => descriptorFromJson(value, 'config')).toThrow('config is not a descriptor')
  })

  it.each([
    'MediaType',
    'DIGEST',
    'Size',
    'Annotations',
    'Platform',
    'Urls',
    'Data',
    'dige\u017ft',
  ])('is refused with a field %s that other readers take for their own', key => {
    expect(() => read({ [key]: 'x' })).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_AMBIGUOUS' }),
    )
  })

  it('is refused with a digest that is a path', () => {
    expect(() => read({ digest: 'sha256:../../../etc/passwd' })).toThrow(
      expect.objectContaining({ code: 'DIGEST_INVALID' }),
    )
  })
})

describe('annotations', () => {
  it('are absent, or a map of strings', () => {
    expect(annotationsFromJson(undefined, 'x')).toBeUndefined()
    expect(annotationsFromJson(null, 'x')).toBeUndefined()
    expect(annotationsFromJson({}, 'x')).toEqual({})
    expect(annotationsFromJson({ a: 'b' }, 'x')).toEqual({ a: 'b' })
    expect(() => annotationsFromJson({ a: null }, 'x')).toThrow(
      'x: annotations is not a map of strings',
    )
  })
})
