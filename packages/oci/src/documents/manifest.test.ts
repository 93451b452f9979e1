import { describe, expect, it } from 'vitest'
import { encodeJson } from '../json.ts'
import { digestOf } from './digest.ts'
import { encodeIndex, parseIndex } from './image-index.ts'
import { encodeManifest, parseManifest } from './manifest.ts'
import { mediaTypes } from './media-types.ts'

const descriptor = (mediaType: string): Record<string, unknown> => ({
  mediaType,
  digest: digestOf(mediaType),
  size: 7,
})
const manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: descriptor(mediaTypes.config),
  layers: [descriptor(mediaTypes.layerGzip)],
}
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.index,
  manifests: [descriptor(mediaTypes.manifest)],
}
const readManifest = (changes: object, expected?: string): unknown =>
  parseManifest(encodeJson({ ...manifest, ...changes }), 'manifest x', expected)
const readIndex = (changes: object, expected?: string): unknown =>
  parseIndex(encodeJson({ ...index, ...changes }), 'index x', expected)
const refusal = (code: string): unknown => expect.objectContaining({ code })

describe('manifests and indexes', () => {
  it('are written as they were read', () => {
    const subject = { subject: descriptor(mediaTypes.manifest), annotations: { a: '1' } }
    const fullManifest = encodeJson({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: 'application/example',
      config: manifest.config,
      layers: manifest.layers,
      ...subject,
    })
    const fullIndex = encodeJson({ ...index, ...subject })
    expect(encodeManifest(parseManifest(fullManifest))).toEqual(fullManifest)
    expect(encodeIndex(parseIndex(fullIndex))).toEqual(fullIndex)
  })

  it('have the media type of their descriptor when they say none', () => {
    for (const mediaType of [undefined, null, '']) {
      expect(readManifest({ mediaType }, mediaTypes.dockerManifest)).toMatchObject({
        mediaType: mediaTypes.dockerManifest,
      })
      expect(readManifest({ mediaType })).toMatchObject({ mediaType: mediaTypes.manifest })
      expect(readIndex({ mediaType }, mediaTypes.dockerIndex)).toMatchObject({
        mediaType: mediaTypes.dockerIndex,
      })
      expect(readIndex({ mediaType, schemaVersion: undefined })).toMatchObject({
        mediaType: mediaTypes.index,
        schemaVersion: 2,
      })
    }
  })

  it.each([
    ['layers beside manifests', { layers: [] }],
    ['config beside manifests', { config: manifest.config }],
    ['null layers beside manifests', { layers: null }],
    ['manifests in another case', { Manifests: [] }],
    ['layers in another case', { LAYERS: [] }],
    ['config in another case', { Config: {} }],
    ['a media type in another case', { mediatype: mediaTypes.manifest }],
    ['manifests with a letter that folds', { 'manife\u017fts': [] }],
    ['a schema version in another case', { SchemaVersion: 1 }],
  ])('an index is refused with %s (CVE-2021-41190)', (_what, changes) => {
    expect(() => readIndex(changes)).toThrow(refusal('DOCUMENT_AMBIGUOUS'))
  })

  it.each([
    ['manifests beside layers', { manifests: [] }],
    ['null manifests beside layers', { manifests: null }],
    ['manifests in another case', { Manifests: [] }],
    ['layers in another case', { Layers: [] }],
    ['config in another case', { Config: {} }],
    ['a subject in another case', { Subject: {} }],
  ])('a manifest is refused with %s (CVE-2021-41190)', (_what, changes) => {
    expect(() => readManifest(changes)).toThrow(refusal('DOCUMENT_AMBIGUOUS'))
  })

  it('are refused when the descriptor names another media type', () => {
    expect(() => readManifest({}, mediaTypes.index)).toThrow(refusal('DOCUMENT_AMBIGUOUS'))
    expect(() => readManifest({}, mediaTypes.dockerManifest)).toThrow(refusal('DOCUMENT_AMBIGUOUS'))
    expect(() => readIndex({}, mediaTypes.manifest)).toThrow(refusal('DOCUMENT_AMBIGUOUS'))
  })

  it('are refused when they are read as each other', () => {
    expect(() => parseIndex(encodeJson(manifest))).toThrow(refusal('DOCUMENT_INVALID'))
    expect(() => parseManifest(encodeJson(index))).toThrow(refusal('DOCUMENT_INVALID'))
    expect(() => readIndex({ mediaType: undefined }, mediaTypes.manifest)).toThrow(
      refusal('DOCUMENT_INVALID'),
    )
    expect(() => readManifest({ mediaType: undefined }, mediaTypes.index)).toThrow(
      refusal('DOCUMENT_INVALID'),
    )
  })

  it.each([
    ['schema 1', { schemaVersion: 1 }],
    ['a schema version in text', { schemaVersion: '2' }],
    ['the layers of schema 1', { fsLayers: [] }],
    ['a media type that is no text', { mediaType: 2 }],
    ['an unknown media type', { mediaType: 'application/json' }],
  ])('are refused with %s', (_what, changes) => {
    expect(() => readManifest(changes)).toThrow(refusal('DOCUMENT_INVALID'))
    const code = 'fsLayers' in changes ? 'DOCUMENT_AMBIGUOUS' : 'DOCUMENT_INVALID'
    expect(() => readIndex(changes)).toThrow(refusal(code))
  })

  it('are refused without their lists, or with items that are no descriptors', () => {
    for (const layers of [undefined, null, {}, 'x'])
      expect(() => readManifest({ layers })).toThrow('manifest x has no list of layers')
    for (const manifests of [undefined, null, {}])
      expect(() => readIndex({ manifests })).toThrow('index x has no list of manifests')
    expect(() => readManifest({ config: undefined })).toThrow(
      'manifest x: config is not a descriptor',
    )
    expect(() => readManifest({ layers: [manifest.config, {}] })).toThrow('manifest x: layers[1]')
    expect(() => readIndex({ manifests: [null] })).toThrow('index x: manifests[0]')
    for (const read of [readManifest, readIndex]) {
      expect(() => read({ subject: 'x' })).toThrow('subject is not a descriptor')
      expect(() => read({ artifactType: 1 })).toThrow('artifactType is not a string')
    }
  })

  it('are refused when they name a field twice', () => {
    const twice = Buffer.from('{"schemaVersion":2,"manifests":[],"manifests":[]}')
    expect(() => parseIndex(twice)).toThrow(refusal('JSON_INVALID'))
  })

  it('list ten thousand manifests and no more', () => {
    const many = (count: number): Uint8Array =>
      encodeJson({
        schemaVersion: 2,
        manifests: Array(count).fill({ mediaType: 'a/b', digest: digestOf('x'), size: 1 }),
      })
    expect(parseIndex(many(10_000)).manifests).toHaveLength(10_000)
    expect(() => parseIndex(many(10_001))).toThrow('10001 manifests; the limit is 10000')
  })
})
