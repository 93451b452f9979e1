import {
  type Digest,
  isObject,
  type Json,
  type JsonObject,
  messageOf,
  normalizePlatform,
  type Platform,
  parseDigest,
} from '@orch/oci'
import { BadAnswer } from './errors.ts'
import type { EngineImage, EngineManifest, ListedImage } from './types.ts'

/** Reads what `GET /images/NAME/json` answers. Throws `BadAnswer`. */
export function readImage(answer: unknown): EngineImage {
  return read(() => imageOf(answer))
}

/** Reads what `GET /images/json` answers. Throws `BadAnswer`. */
export function readList(answer: unknown): ListedImage[] {
  return read(() =>
    arrayOf(answer as Json).map(item => ({ ...summary(objectOf(item)), diffIds: [] })),
  )
}

function read<T>(reading: () => T): T {
  try {
    return reading()
  } catch (cause) {
    if (cause instanceof BadAnswer) throw cause
    throw new BadAnswer(`an image that cannot be read: ${messageOf(cause)}`, { cause })
  }
}

function imageOf(answer: unknown): EngineImage {
  const image = objectOf(answer)
  const layers = isObject(image['RootFS']) ? arrayOf(image['RootFS']['Layers']) : []
  return {
    ...summary(image),
    diffIds: layers.map(digestOf),
    platform: platformOf(image['Os'], image['Architecture'], image['Variant']),
  }
}

/** An engine's names for a platform, as images have them. */
export function platformOf(
  os: Json | undefined,
  architecture: Json | undefined,
  variant?: Json,
): Platform {
  const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
  return normalizePlatform({
    os: text(os),
    architecture: text(architecture),
    ...(text(variant) === '' ? {} : { variant: text(variant) }),
  })
}

function summary(image: JsonObject): Omit<ListedImage, 'diffIds'> {
  return {
    id: digestOf(image['Id']),
    // Older engines show images without a name so.
    tags: arrayOf(image['RepoTags']).filter(
      tag => typeof tag === 'string' && !tag.includes('<none>'),
    ) as string[],
    manifests: arrayOf(image['Manifests']).map(item => manifestOf(objectOf(item))),
  }
}

function manifestOf(item: JsonObject): EngineManifest {
  const descriptor = objectOf(item['Descriptor'])
  return {
    digest: digestOf(descriptor['digest']),
    available: item['Available'] === true,
    unpacked: unpackedOf(item['ImageData']),
  }
}

function unpackedOf(data: Json | undefined): number | undefined {
  const size = isObject(data) && isObject(data['Size']) ? data['Size']['Unpacked'] : undefined
  return typeof size === 'number' ? size : undefined
}

function digestOf(value: Json | undefined): Digest {
  return parseDigest(typeof value === 'string' ? value : '')
}

function objectOf(value: unknown): JsonObject {
  if (!isObject(value as Json)) throw new BadAnswer('an image that is no object')
  return value as JsonObject
}

function arrayOf(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new BadAnswer('something else than a list')
  return value
}
