import type { OptionsSchema, Plugin } from '@orch/core'
import { z } from 'zod'
import { pluginSet } from '../plugins/tables.ts'
import type { Tables } from '../tables.ts'
import { jsonSchemaOf } from './check.ts'
import { projectFileSchema } from './core.ts'
import type { JsonSchema } from './expected.ts'

/**
 * The JSON Schema (draft 2020-12) of project files: the core's with the plugins' schemas put in, each
 * as a definition named `builder.go`, `exporter.layout`, `imageKey.files`, `projectKey.registries`. Throws `PLUGIN_INVALID`.
 */
export function projectSchema(plugins: readonly Plugin[]): Record<string, unknown> {
  const { tables } = pluginSet(plugins)
  const definitions: Record<string, JsonSchema> = {}
  return {
    ...core(tables, {
      builders: define('builder', tables.builders, definitions),
      exporters: define('exporter', tables.exporters, definitions),
      imageKeys: define('imageKey', tables.imageKeys, definitions),
      projectKeys: define('projectKey', tables.projectKeys, definitions),
    }),
    $defs: definitions,
  }
}

type References = Readonly<Record<string, JsonSchema>>

/** The core's schema, with references where the plugins' schemas belong. */
function core(tables: Tables, plugins: Record<keyof Tables, References>): JsonSchema {
  const schema = z.toJSONSchema(projectFileSchema(tables), {
    target: 'draft-2020-12',
    io: 'input',
  })
  const builders = Object.values(plugins.builders)
  const full = replaceAt(
    replaceAt(
      replaceAt(schema, [...image, 'build'], ({ description, ...open }) =>
        builders.length === 0 ? { description, ...open } : { description, anyOf: builders },
      ),
      ['properties', 'export', 'items'],
      () => exportEntry(plugins.exporters),
    ),
    image,
    keys => ({ ...keys, ...plugins.imageKeys }),
  )
  return replaceAt(full, ['properties'], keys => ({ ...keys, ...plugins.projectKeys }))
}

const image = ['properties', 'images', 'additionalProperties', 'properties']

function exportEntry(exporters: References): JsonSchema {
  const names = Object.keys(exporters)
  const options = Object.entries(exporters).map(([name, schema]) => [
    name,
    { anyOf: [schema, { type: 'null' }] },
  ])
  return {
    anyOf: [
      // The names come first, for editors to complete; options may follow one.
      ...(names.length === 0 ? [] : [{ type: 'string', enum: names }]),
      { type: 'string', description: 'name[,key=value…]' },
      {
        type: 'object',
        properties: Object.fromEntries(options),
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 1,
      },
    ],
  }
}

/** The same document with what stands at a path replaced. */
function replaceAt(
  document: JsonSchema,
  path: readonly string[],
  change: (found: JsonSchema) => JsonSchema,
): JsonSchema {
  const [step, ...rest] = path
  if (step === undefined) return change(document)
  return { ...document, [step]: replaceAt(document[step] as JsonSchema, rest, change) }
}

/** Adds the schemas of one table to the definitions, and returns references to them by key. */
function define(
  kind: string,
  table: ReadonlyMap<string, OptionsSchema>,
  definitions: Record<string, JsonSchema>,
): References {
  const references: Record<string, JsonSchema> = {}
  for (const [key, schema] of table) {
    const name = `${kind}.${key}`
    const { $schema: _dialect, $defs, ...own } = rebase(jsonSchemaOf(schema), name)
    definitions[name] = own
    for (const [inner, definition] of Object.entries($defs ?? {}))
      definitions[`${name}.${inner}`] = definition
    references[key] = { $ref: `#/$defs/${name}` }
  }
  return references
}

interface Rebased extends JsonSchema {
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

/** References within a schema, written for the document in which it becomes the definition `name`. */
function rebase(schema: JsonSchema, name: string): Rebased {
  return JSON.parse(JSON.stringify(schema), (key, value) => {
    if (key !== '$ref' || typeof value !== 'string' || !value.startsWith('#')) return value
    return value.startsWith('#/$defs/')
      ? value.replace('#/$defs/', `#/$defs/${name}.`)
      : value.replace('#', `#/$defs/${name}`)
  }) as Rebased
}
