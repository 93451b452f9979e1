import { OrchError, shown } from '../errors.ts'
import {
  checkFieldNames,
  encodeJson,
  isObject,
  type Json,
  type JsonObject,
  parseJsonObject,
} from '../json.ts'
import { type Digest, parseDigest } from './digest.ts'
import { type Platform, platformFields, platformFromJson } from './platform.ts'

/** How a container starts (image-spec, config.md#properties). Fields that we do not name are kept. */
export interface RuntimeConfig {
  readonly User?: string
  readonly ExposedPorts?: Readonly<Record<string, JsonObject>>
  /** `NAME=value`, in order. */
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Volumes?: Readonly<Record<string, JsonObject>>
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly [other: string]: Json | undefined
}

/** One line of an image's history. */
export interface History {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/** An image configuration (image-spec, config.md). Fields that we do not name are kept. */
export interface ImageConfig extends Platform {
  readonly created?: string
  readonly author?: string
  readonly config?: RuntimeConfig
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] }
  readonly history?: readonly History[]
}

/** Reads an image configuration. Throws `JSON_INVALID`, `DOCUMENT_INVALID`, `DOCUMENT_AMBIGUOUS`, `PLATFORM_INVALID`. */
export function parseImageConfig(bytes: Uint8Array, what = 'config'): ImageConfig {
  const document = parseJsonObject(bytes, what)
  const known = {
    ...shapes.config,
    ...Object.fromEntries(platformFields.map(key => [key, anyJson])),
  }
  const checked = withShape(document, known, what)
  const { rootfs, config, history, ...fields } = checked
  const rest = Object.fromEntries(
    Object.entries(fields).filter(([key]) => !platformFields.includes(key)),
  )
  return {
    ...rest,
    ...platformFromJson(document, what),
    ...(isObject(config) ? { config: withShape(config, shapes.runtime, `${what}: config`) } : {}),
    rootfs: { type: 'layers', diff_ids: diffIdsFromJson(rootfs, what) },
    ...(Array.isArray(history)
      ? { history: history.map((line, at) => historyFromJson(line, `${what}: history[${at}]`)) }
      : {}),
  }
}

/**
 * The same, and undefined for what has no `rootfs`: the config of an artifact that borrows the media
 * type of an image's, such as `{}`. It says of no platform and of no layers.
 */
export function imageConfigIn(bytes: Uint8Array, what = 'config'): ImageConfig | undefined {
  const document = parseJsonObject(bytes, what)
  checkFieldNames(document, Object.keys(shapes.config), what)
  return (document['rootfs'] ?? null) === null ? undefined : parseImageConfig(bytes, what)
}

/** What a value must be, in the words of the message that says it is not. */
type Shape = readonly [description: string, test: (value: Json) => boolean]

const anyJson: Shape = ['a value', () => true]
const text: Shape = ['a string', value => typeof value === 'string']
const flag: Shape = ['a boolean', value => typeof value === 'boolean']
const map: Shape = ['an object', isObject]
const list: Shape = ['a list', value => Array.isArray(value)]
const texts: Shape = ['a list of strings', value => Array.isArray(value) && value.every(text[1])]
const textMap: Shape = [
  'a map of strings',
  value => isObject(value) && Object.values(value).every(text[1]),
]

/** The fields that the specification names. */
const shapes = {
  config: { created: text, author: text, config: map, rootfs: map, history: list },
  runtime: {
    User: text,
    ExposedPorts: map,
    Env: texts,
    Entrypoint: texts,
    Cmd: texts,
    Volumes: map,
    WorkingDir: text,
    Labels: textMap,
    StopSignal: text,
  },
  rootfs: { type: text, diff_ids: list },
  history: { created: text, created_by: text, author: text, comment: text, empty_layer: flag },
}

/**
 * The object without the named fields that are null, as Go writes what is absent; fields without a name
 * here are kept as they are. Throws `DOCUMENT_INVALID` for a named field of another shape, and
 * `DOCUMENT_AMBIGUOUS`.
 */
function withShape(
  object: JsonObject,
  shape: Readonly<Record<string, Shape>>,
  what: string,
): JsonObject {
  checkFieldNames(object, Object.keys(shape), what)
  const kept = Object.entries(object).filter(([key, value]) => {
    if (!Object.hasOwn(shape, key)) return true
    const [description, test] = shape[key] ?? anyJson
    if (value !== null && !test(value))
      throw new OrchError('DOCUMENT_INVALID', `${what}: ${key} is not ${description}`)
    return value !== null
  })
  return Object.fromEntries(kept)
}

function diffIdsFromJson(rootfs: Json | undefined, what: string): readonly Digest[] {
  if (!isObject(rootfs)) throw new OrchError('DOCUMENT_INVALID', `${what} has no rootfs`)
  const { type = 'layers', diff_ids: ids = [] } = withShape(
    rootfs,
    shapes.rootfs,
    `${what}: rootfs`,
  )
  if (type !== 'layers')
    throw new OrchError('DOCUMENT_INVALID', `${what}: rootfs.type is ${shown(type)}`)
  return (ids as readonly Json[]).map((id, at) => {
    if (typeof id === 'string') return parseDigest(id)
    throw new OrchError('DOCUMENT_INVALID', `${what}: rootfs.diff_ids[${at}] is not a digest`)
  })
}

function historyFromJson(line: Json, what: string): History {
  if (!isObject(line)) throw new OrchError('DOCUMENT_INVALID', `${what} is not an object`)
  return withShape(line, shapes.history, what)
}

/** The bytes of a configuration, its fields in a fixed order. */
export function encodeImageConfig(config: ImageConfig): Uint8Array {
  const {
    created,
    author,
    architecture,
    os,
    variant,
    config: runtime,
    rootfs,
    history,
    ...rest
  } = config
  return encodeJson({
    created,
    author,
    architecture,
    os,
    variant,
    ...rest,
    config: runtime,
    rootfs,
    history,
  })
}
