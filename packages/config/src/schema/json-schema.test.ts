import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fakes } from '../test-project.ts'
import { projectSchema } from './json-schema.ts'

const schema = projectSchema(fakes)
const text = JSON.stringify(schema)

describe('projectSchema', () => {
  it('is one document in which every reference resolves', () => {
    const references = [...text.matchAll(/"\$ref":"#\/\$defs\/([^"]*)"/g)].map(([, name]) => name)
    expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(new Set(references)).toEqual(new Set(Object.keys(schema['$defs'] as object)))
    expect(Object.keys(schema['$defs'] as object)).toEqual([
      'builder.go',
      'builder.bazel',
      'exporter.layout',
      'exporter.oci-archive',
      'imageKey.files',
      'projectKey.hosts',
    ])
  })

  it('keeps the inner definitions of a plugin apart', () => {
    const inner = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/part' }, self: { $ref: '#' } },
      $defs: { part: { type: 'string' } },
    }
    const standard = {
      version: 1,
      vendor: 'own',
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: () => inner },
    } as const
    const plugin = { name: 'p', imageKeys: { k: { '~standard': standard } }, setup() {} }
    expect(projectSchema([plugin])['$defs']).toEqual({
      'imageKey.k': {
        type: 'object',
        properties: {
          a: { $ref: '#/$defs/imageKey.k.part' },
          self: { $ref: '#/$defs/imageKey.k' },
        },
      },
      'imageKey.k.part': { type: 'string' },
    })
  })

  it('is the same each time', () => {
    expect(JSON.stringify(projectSchema(fakes))).toBe(text)
  })

  // zod reads the document back, so that what it allows is what editors will allow.
  const reader = z.fromJSONSchema(JSON.parse(text))
  const image = { build: { go: './x' } }

  it.each([
    { $schema: 'x', images: { api: image } },
    { images: { api: { ...image, files: [{ from: 'a', to: 'b' }], compression: 'zstd' } } },
    { images: { api: image }, export: ['layout', 'layout,dest=x', { layout: null }] },
    {
      images: { api: image },
      export: [{ 'oci-archive': { dest: 'x' } }],
      plugins: ['./p.ts', { use: 'p' }],
    },
  ])('allows %j', project => {
    expect(reader.safeParse(project).error?.issues).toBeUndefined()
  })

  it.each([
    {},
    { images: { api: { buidl: {} } } },
    { images: { API: image } },
    { images: { api: { build: { rust: 'x' } } } },
    { images: { api: { build: { go: 1 } } } },
    { images: { api: { ...image, files: [{ from: 'a' }] } } },
    { images: { api: image }, export: [{ 'oci-archive': {} }] },
    { images: { api: image }, export: [{ nowhere: {} }] },
    { images: { api: image }, more: 1 },
  ])('refuses %j', project => {
    expect(reader.safeParse(project).success).toBe(false)
  })
})
