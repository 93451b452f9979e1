import { OrchError, shown } from '../errors.ts'
import { checkFieldNames, isObject, type Json, type JsonObject, sortedRecord } from '../json.ts'
import { type Digest, digestOf, digestParts, parseDigest } from './digest.ts'
import { type Platform, platformFromJson, platformOf } from './platform.ts'

export type Annotations = Readonly<Record<string, string>>

/** What names a blob (image-spec, descriptor.md): its media type, digest and size in bytes. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly annotations?: Annotations
  readonly platform?: Platform
  readonly artifactType?: string
  /** Where else the content may be had; never followed by default. */
  readonly urls?: readonly string[]
  /** The content itself, base64; checked against digest and size when read. */
  readonly data?: string
}

const mediaTypeGrammar =
  /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/

/** Reads a descriptor out of a parsed document. Throws `DESCRIPTOR_INVALID`, `DIGEST_INVALID`, `PLATFORM_INVALID`. */
export function descriptorFromJson(value: Json | undefined, what: string): Descriptor {
  if (!isObject(value)) throw new OrchError('DESCRIPTOR_INVALID', `${what} is not a descriptor`)
  checkFieldNames(
    value,
    ['mediaType', 'digest', 'size', 'annotations', 'platform', 'artifactType', 'urls', 'data'],
    what,
  )
  const { mediaType, digest, size, platform } = value
  if (typeof mediaType !== 'string' || !mediaTypeGrammar.test(mediaType)) {
    throw new OrchError(
      'DESCRIPTOR_INVALID',
      `${what}: mediaType ${shown(mediaType)} is not a media type`,
    )
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new OrchError(
      'DESCRIPTOR_INVALID',
      `${what}: size ${shown(size)} is not a count of bytes`,
    )
  }
  if (typeof digest !== 'string')
    throw new OrchError('DESCRIPTOR_INVALID', `${what}: digest is missing`)
  if (platform !== undefined && platform !== null && !isObject(platform)) {
    throw new OrchError('DESCRIPTOR_INVALID', `${what}: platform is not an object`)
  }
  const annotations = annotationsFromJson(value['annotations'], what)
  const artifactType = optionalString(value, 'artifactType', what)
  const data = optionalString(value, 'data', what)
  const urls = urlsFromJson(value['urls'], what)
  const descriptor: Descriptor = {
    mediaType,
    digest: parseDigest(digest),
    size,
    ...(annotations === undefined ? {} : { annotations }),
    ...(isObject(platform) ? { platform: platformFromJson(platform, what) } : {}),
    ...(artifactType === undefined || artifactType === '' ? {} : { artifactType }),
    ...(urls === undefined ? {} : { urls }),
    ...(data === undefined ? {} : { data }),
  }
  checkEmbedded(descriptor, what)
  return descriptor
}

/** A field that may be absent, or null as Go writes an absent one. Throws `DESCRIPTOR_INVALID` when it is no string. */
export function optionalString(object: JsonObject, key: string, what: string): string | undefined {
  const value = object[key]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw new OrchError('DESCRIPTOR_INVALID', `${what}: ${key} is not a string`)
}

function urlsFromJson(value: Json | undefined, what: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value) || value.some(url => typeof url !== 'string')) {
    throw new OrchError('DESCRIPTOR_INVALID', `${what}: urls is not a list of strings`)
  }
  return value as readonly string[]
}

/** The descriptor of what a manifest or index is about; undefined when it is absent. */
export function subjectFromJson(document: JsonObject, what: string): Descriptor | undefined {
  const { subject } = document
  return subject === undefined || subject === null
    ? undefined
    : descriptorFromJson(subject, `${what}: subject`)
}

function checkEmbedded({ data, digest, size }: Descriptor, what: string): void {
  if (data === undefined) return
  const bytes = Buffer.from(data, 'base64')
  const isBase64 = bytes.toString('base64') === data // Buffer.from skips what is not
  if (
    !isBase64 ||
    bytes.byteLength !== size ||
    digestOf(bytes, digestParts(digest).algorithm) !== digest
  ) {
    throw new OrchError(
      'DESCRIPTOR_INVALID',
      `${what}: its embedded data is not the content of ${digest}`,
    )
  }
}

/** Reads a map of strings; undefined when it is absent. Throws `DESCRIPTOR_INVALID`. */
export function annotationsFromJson(
  value: Json | undefined,
  what: string,
): Annotations | undefined {
  if (value === undefined || value === null) return undefined
  if (!isObject(value) || Object.values(value).some(item => typeof item !== 'string')) {
    throw new OrchError('DESCRIPTOR_INVALID', `${what}: annotations is not a map of strings`)
  }
  return value as Annotations
}

/** The descriptor as we write it: fields in the order of the specification, annotations sorted. */
export function descriptorToJson(descriptor: Descriptor): JsonObject {
  const { mediaType, digest, size, annotations, platform, artifactType, urls, data } = descriptor
  return {
    mediaType,
    digest,
    size,
    ...(urls === undefined ? {} : { urls }),
    ...(annotations === undefined || Object.keys(annotations).length === 0
      ? {}
      : { annotations: sortedRecord(annotations) }),
    ...(data === undefined ? {} : { data }),
    ...(platform === undefined ? {} : { platform: { ...platformOf(platform) } }),
    ...(artifactType === undefined ? {} : { artifactType }),
  }
}
