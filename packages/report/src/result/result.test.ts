import { type BuildResult, HookError, type ImageResult } from '@orch/core'
import { blobFromBytes, encodeIndex, mediaTypes, OrchError, parsePlatform } from '@orch/oci'
import { expect, it } from 'vitest'
import { resultDocument } from './document.ts'
import { resultLines } from './lines.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const platform = parsePlatform('linux/arm64')
const manifest = blobFromBytes(bytes('{"manifest":1}'), mediaTypes.manifest)
const config = blobFromBytes(bytes('{}'), mediaTypes.config)
const layer = blobFromBytes(bytes('layer'), mediaTypes.layer)
const descriptor = { ...manifest.descriptor, platform }
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.index,
  manifests: [descriptor],
} as const
const root = blobFromBytes(encodeIndex(index), mediaTypes.index).descriptor

function built(references: readonly string[]): ImageResult {
  const image = {
    name: 'api',
    references,
    root,
    index,
    manifests: [
      {
        platform,
        descriptor,
        manifest,
        config,
        layers: [
          {
            descriptor: layer.descriptor,
            diffId: layer.descriptor.digest,
            blob: layer,
            from: 'go',
          },
        ],
      },
    ],
    content: { blob: async () => manifest },
  }
  const place = { exporter: 'layout', image: 'api', digest: root.digest }
  const details = { sent: 3 }
  const exports = [{ ...place, location: 'dist/api', names: references, details }]
  return { name: 'api', image, exports, errors: [] }
}

function resultOf(...images: ImageResult[]): BuildResult {
  const ok = images.every(({ errors }) => errors.length === 0)
  return { errors: [], images, ok, milliseconds: 1234.5 }
}

const failed: ImageResult = {
  name: 'web',
  exports: [],
  errors: ['linux/amd64', 'linux/arm64'].map(name => {
    const cause = new OrchError('GO_MISSING', 'go was not found', { hint: 'Install Go.' })
    const where = { plugin: 'go', hook: 'compile', image: 'web', platform: name }
    return new HookError('GO_MISSING', cause.message, where, { cause })
  }),
}

it('the document of a build that went well', () => {
  const references = ['example.com/team/api:dev', 'api:1']
  expect(resultDocument(resultOf(built(references)))).toEqual({
    // As buildx writes them for one image.
    'containerimage.digest': root.digest,
    'containerimage.descriptor': {
      mediaType: mediaTypes.index,
      digest: root.digest,
      size: root.size,
    },
    'image.name': 'example.com/team/api:dev,api:1',
    ok: true,
    milliseconds: 1235,
    images: [
      {
        name: 'api',
        digest: root.digest,
        mediaType: mediaTypes.index,
        size: root.size,
        references,
        platforms: [
          {
            platform: 'linux/arm64',
            digest: manifest.descriptor.digest,
            size: manifest.descriptor.size,
            config: config.descriptor.digest,
            layers: 1,
          },
        ],
        exports: [
          {
            exporter: 'layout',
            location: 'dist/api',
            names: references,
            digest: root.digest,
            details: { sent: 3 },
          },
        ],
        errors: [],
      },
    ],
  })
})

it('the document of a build of which an image failed', () => {
  const document = resultDocument(resultOf(built(['api:dev']), failed))
  expect(document).toMatchObject({
    ok: false,
    images: [{ name: 'api', errors: [] }, {}],
    // As buildx bake writes them for several.
    api: { 'containerimage.digest': root.digest, 'image.name': 'api:dev' },
  })
  expect((document['images'] as readonly unknown[])[1]).toEqual({
    name: 'web',
    references: [],
    platforms: [],
    exports: [],
    errors: [
      {
        code: 'GO_MISSING',
        message: 'go was not found',
        platforms: ['linux/amd64', 'linux/arm64'],
        hint: 'Install Go.',
      },
    ],
  })
})

it.each([
  ['example.com/team/api:dev', 'example.com/team/api'],
  ['localhost:5000/api', 'localhost:5000/api'],
  ['docker.io/library/api:1', 'api'],
  ['team/api:1', 'team/api'],
])('standard output for the reference %s names %s', (reference, name) => {
  const result = resultOf(built([reference, 'other:1']))
  expect(resultLines(result)).toEqual([`${name}@${root.digest}`])
})

it('names what is there: another name, another digest, each once', () => {
  const image = built(['api:1'])
  const put = (digest: string, ...names: string[]) => ({
    ...{ exporter: 'x', image: 'api', location: 'x', names },
    digest: digest as typeof root.digest,
  })
  const other = descriptor.digest
  const exports = [
    put(root.digest, 'api:1'),
    put(root.digest, 'docker.io/library/api:1', 'example.com/q:2'),
    put(other, 'example.com/q:1'),
    put(other),
    put(root.digest, 'any text\u001b'),
  ]
  const result = resultOf({ ...image, exports })
  expect(resultLines(result)).toEqual([
    `api@${root.digest}`,
    `example.com/q@${other}`,
    `api@${other}`,
    `any text\\x1b@${root.digest}`,
  ])
  const references = ['api:1', 'example.com/q:2', 'example.com/q:1', 'any text\u001b']
  expect(resultDocument(result)).toMatchObject({
    'image.name': references.join(','),
    images: [{ references, digest: root.digest }],
  })
  const nowhere = resultOf({ ...image, exports: [] })
  expect(resultLines(nowhere)).toEqual([`api@${root.digest}`])
  expect(resultDocument(nowhere)).toMatchObject({ 'image.name': 'api:1' })
})

it('standard output for an image without a reference has its own name', () => {
  expect(resultLines(resultOf(built([])))).toEqual([`api@${root.digest}`])
})

it('standard output has no image that failed, nor one that an exporter failed to put somewhere', () => {
  const half = { ...built(['half:1']), errors: [new Error('no room')] }
  expect(resultLines(resultOf(failed, built(['api:1']), half))).toEqual([`api@${root.digest}`])
})
