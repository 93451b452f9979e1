import {
  canonicalJson,
  type Descriptor,
  type Digest,
  descriptorFromJson,
  descriptorToJson,
  digestOf,
  encodeJson,
  isObject,
  type Json,
  type JsonObject,
  OrchError,
  parseJson,
} from '@orch/oci'

/** The result of an action as it lies on disk. */
export interface ActionRecord {
  readonly key: Digest
  readonly kind: string
  readonly blobs: readonly Descriptor[]
  readonly data: Json
}

const version = 1
const maxBytes = 64 * 1024 * 1024

/** A record as bytes, with a checksum, since a bit that flips in it may leave it valid JSON. */
export function recordToBytes({ key, kind, blobs, data }: ActionRecord): Uint8Array {
  const record: JsonObject = { version, key, kind, blobs: blobs.map(descriptorToJson), data }
  return encodeJson({ ...record, checksum: digestOf(canonicalJson(record)) })
}

/** Reads a record; undefined when it is damaged, of another version, or not the one for `key`. */
export function recordFromBytes(bytes: Uint8Array, key: Digest): ActionRecord | undefined {
  try {
    const value = parseJson(bytes, `the record of ${key}`, maxBytes)
    if (!isObject(value)) return undefined
    const { checksum, ...record } = value
    const { kind, blobs, data } = record
    return record['version'] === version &&
      record['key'] === key &&
      typeof kind === 'string' &&
      Array.isArray(blobs) &&
      data !== undefined &&
      checksum === digestOf(canonicalJson(record))
      ? { key, kind, blobs: blobs.map(blob => descriptorFromJson(blob, 'a blob')), data }
      : undefined
  } catch (error) {
    if (error instanceof OrchError) return undefined
    throw error
  }
}
