import type { Path } from '../problem.ts'

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The schemas that may hold at a path, `$ref` and alternatives followed. */
function schemasAt(root: JsonSchema, path: Path): readonly JsonSchema[] {
  let found = alternatives(root, root)
  for (const step of path) {
    found = found
      .map(schema => child(schema, step))
      .filter(schema => schema !== undefined)
      .flatMap(schema => alternatives(root, schema))
  }
  return found
}

function child(schema: JsonSchema, step: PropertyKey): JsonSchema | undefined {
  if (typeof step === 'number')
    return asSchema(asList(schema['prefixItems'])[step] ?? schema['items'])
  const properties = asSchema(schema['properties']) ?? {}
  const name = String(step)
  return asSchema(
    Object.hasOwn(properties, name) ? properties[name] : schema['additionalProperties'],
  )
}

function alternatives(root: JsonSchema, schema: JsonSchema, depth = 0): readonly JsonSchema[] {
  const { $ref } = schema
  if (depth > 20) return [] // a schema that refers to itself
  if (typeof $ref === 'string') {
    const target = pointed(root, $ref)
    return target === undefined ? [] : alternatives(root, target, depth + 1)
  }
  const choices = asList(schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf'])
  if (choices.length === 0) {
    const { type } = schema
    return Array.isArray(type) ? type.map(item => ({ ...schema, type: item })) : [schema]
  }
  return choices
    .map(asSchema)
    .filter(item => item !== undefined)
    .flatMap(item => alternatives(root, item, depth + 1))
}

function pointed(root: JsonSchema, ref: string): JsonSchema | undefined {
  let at: unknown = ref.startsWith('#') ? root : undefined
  for (const step of ref.split('/').slice(1)) {
    at = asSchema(at)?.[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return asSchema(at)
}

/** The keys that a map at the path may have; empty when any key will do. */
export function keysAt(root: JsonSchema, path: Path): string[] {
  const keys = schemasAt(root, path).flatMap(schema =>
    Object.keys(asSchema(schema['properties']) ?? {}),
  )
  return [...new Set(keys)]
}

/** The maps that may stand at a path, told apart by the keys that each must have; undefined when there are not several. */
export function formsAt(root: JsonSchema, path: Path): string | undefined {
  const required = schemasAt(root, path)
    .filter(schema => schema['type'] === 'object')
    .map(schema => asList(schema['required']).join(', '))
  return required.length < 2 ? undefined : `a map with ${required.join('; or with ')}`
}

/** What may stand at a path, in words: `a list of strings`, `one of gzip, zstd or a map`; undefined when unknown. */
export function wordsAt(root: JsonSchema, path: Path): string | undefined {
  const words = schemasAt(root, path).map(schema => describe(root, schema))
  const known = [...new Set(words.filter(item => item !== undefined))]
  return known.length === 0 ? undefined : known.join(' or ')
}

function describe(root: JsonSchema, schema: JsonSchema): string | undefined {
  const values = valuesOf(schema)
  if (values !== undefined) return oneOf(values)
  switch (schema['type']) {
    case 'string':
      return 'a string'
    case 'integer':
      return 'a whole number'
    case 'number':
      return 'a number'
    case 'boolean':
      return 'true or false'
    case 'array':
      return `a list${plural(root, schema['items'])}`
    case 'object':
      return `a map${asSchema(schema['properties']) === undefined ? plural(root, schema['additionalProperties']) : ''}`
    default:
      return undefined
  }
}

const plurals: Readonly<Record<string, string>> = {
  string: 'strings',
  integer: 'whole numbers',
  number: 'numbers',
  boolean: 'true or false',
  array: 'lists',
  object: 'maps',
}

function plural(root: JsonSchema, of: unknown): string {
  const schema = asSchema(of)
  if (schema === undefined) return ''
  const words = alternatives(root, schema).map(item => plurals[String(item['type'])])
  return words.length === 0 || words.includes(undefined)
    ? ''
    : ` of ${[...new Set(words)].join(' or ')}`
}

function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  return 'const' in schema
    ? [schema['const']]
    : Array.isArray(schema['enum'])
      ? schema['enum']
      : undefined
}

/** `"a"`, or `one of "a", "b"`. */
export function oneOf(values: readonly unknown[]): string {
  const texts = values.map(value => JSON.stringify(value) ?? String(value))
  return texts.length === 1 ? (texts[0] ?? '') : `one of ${texts.join(', ')}`
}

function asSchema(value: unknown): JsonSchema | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonSchema)
    : undefined
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
