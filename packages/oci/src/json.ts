import { OrchError, shown } from './errors.ts'

/** A value that JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }
/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json }

const MiB = 1024 * 1024
/** The largest manifest, index or config that is read: 4 MiB, the limit that registries keep. */
export const maxDocumentBytes: number = 4 * MiB
const maxDepth = 128

/**
 * Parses JSON that came from outside. Refuses, with code `JSON_INVALID`: more than `maxBytes`,
 * invalid UTF-8, a byte order mark, invalid JSON, nesting beyond 128 levels, duplicate keys (RFC 8259
 * §4 leaves their meaning open, and two readers of one manifest must never see two things), and keys
 * with lone surrogates.
 * @param what names the document in messages, such as `manifest sha256:…`
 */
export function parseJson(
  bytes: Uint8Array,
  what: string,
  maxBytes: number = maxDocumentBytes,
): Json {
  if (bytes.byteLength > maxBytes) {
    throw new OrchError(
      'JSON_INVALID',
      `${what} is ${bytes.byteLength} bytes; the limit is ${maxBytes}`,
    )
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new OrchError('JSON_INVALID', `${what} is not UTF-8`, { cause })
  }
  checkKeys(text, what)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new OrchError('JSON_INVALID', `${what} is not JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** As `parseJson`, for a document that must be an object. */
export function parseJsonObject(bytes: Uint8Array, what: string, maxBytes?: number): JsonObject {
  const value = parseJson(bytes, what, maxBytes)
  if (!isObject(value)) throw new OrchError('JSON_INVALID', `${what} is not a JSON object`)
  return value
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Walks the tokens of a text, which need not be JSON, in linear time: refuses an object that names one
 * key twice, and nesting that is too deep.
 */
function checkKeys(text: string, what: string): void {
  const open: (Set<string> | undefined)[] = [] // a set of keys for an object, undefined for an array
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : undefined)
      if (open.length > maxDepth)
        throw new OrchError('JSON_INVALID', `${what} nests deeper than ${maxDepth} levels`)
    } else if (char === '}' || char === ']') open.pop()
    else if (char === '"') {
      const end = endOfString(text, at)
      const keys = open.at(-1)
      if (keys !== undefined && isFollowedByColon(text, end))
        addKey(keys, text.slice(at, end), what)
      at = end - 1
    }
  }
}

/** The index after the closing quote of the string that opens at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return text.length
}

const colon = /\s*:/y

function isFollowedByColon(text: string, end: number): boolean {
  colon.lastIndex = end
  return colon.test(text)
}

function addKey(keys: Set<string>, literal: string, what: string): void {
  let key: string
  try {
    key = JSON.parse(literal)
  } catch {
    return // JSON.parse of the whole text reports it better
  }
  if (!key.isWellFormed())
    // readers that replace a lone surrogate may find another key there
    throw new OrchError(
      'JSON_INVALID',
      `${what} has the key ${shown(key)}, which is not Unicode text`,
    )
  if (keys.has(key)) throw new OrchError('JSON_INVALID', `${what} has the key ${shown(key)} twice`)
  keys.add(key)
}

/**
 * Refuses a field whose name differs from a known one only in case: readers that ignore case (Go's
 * encoding/json, which folds all of Unicode: \u017f is an s, \u212a a k) and readers that do not would
 * see two different documents (CVE-2021-41190). Throws `DOCUMENT_AMBIGUOUS`.
 */
export function checkFieldNames(object: JsonObject, known: readonly string[], what: string): void {
  const byFolded = new Map(known.map(name => [fold(name), name]))
  for (const key of Object.keys(object)) {
    const name = byFolded.get(fold(key))
    if (name !== undefined && name !== key) {
      throw new OrchError(
        'DOCUMENT_AMBIGUOUS',
        `${what}: the field ${shown(key)} would be read as ${name}`,
      )
    }
  }
}

function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** The bytes of a document that we make: compact JSON, keys in the order given, UTF-8. */
export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

/** JSON with every object's keys sorted: equal values have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item) =>
    typeof item === 'object' && item !== null && !Array.isArray(item) ? sortedRecord(item) : item,
  )
}

/** The same record with its keys in code-unit order, but decimal ones first, as JavaScript keeps them. */
export function sortedRecord<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
