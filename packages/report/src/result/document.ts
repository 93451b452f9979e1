import type { ExportResult } from '@orch/core'
import { descriptorToJson, formatPlatform, type JsonObject, redact } from '@orch/oci'
import { dedupeErrors } from '../errors/dedupe.ts'
import type { Problem } from '../errors/problem.ts'
import { namesOf } from './names.ts'
import type { Result, ResultImage, ResultManifest } from './result.ts'

/**
 * A build or a copy as a document, for `--json` and `--metadata-file`: `ok`, `milliseconds` and `images`, and at
 * the top the keys by which readers of buildx's metadata file find an image. An image that was built
 * or opened has digest, media type and size of its index; one that was not has none of these. Its names are those
 * under which it was exported; an export that took fewer platforms has a digest of its own. Sizes are bytes: of
 * the index and of the manifests themselves.
 */
export function resultDocument(result: Result): JsonObject {
  return {
    ...buildxKeys(result.images),
    ok: result.ok,
    milliseconds: Math.round(result.milliseconds),
    images: result.images.map(imageToJson),
    ...(result.errors.length === 0 ? {} : { errors: dedupeErrors(result.errors).map(errorToJson) }),
  }
}

function imageToJson(result: ResultImage): JsonObject {
  const { name, image, exports, errors } = result
  const ends = { exports: exports.map(exportToJson), errors: dedupeErrors(errors).map(errorToJson) }
  if (image === undefined) return { name, references: [], platforms: [], ...ends }
  const { root, manifests } = image
  return {
    name,
    digest: root.digest,
    mediaType: root.mediaType,
    size: root.size,
    references: namesOf(result),
    platforms: manifests.map(manifestToJson),
    ...ends,
  }
}

/** For one image as `buildx build` writes its metadata file, for several as `buildx bake` does: by name. */
function buildxKeys(images: readonly ResultImage[]): JsonObject {
  const keys = images.flatMap(result => {
    const { name, image } = result
    if (image === undefined) return []
    const { root } = image
    const value = {
      'containerimage.digest': root.digest,
      'containerimage.descriptor': descriptorToJson(root),
      'image.name': namesOf(result).join(','),
    }
    return [[name, value] as const]
  })
  const [only] = keys
  return images.length === 1 && only !== undefined ? only[1] : Object.fromEntries(keys)
}

function manifestToJson({ platform, descriptor, config, layers }: ResultManifest): JsonObject {
  return {
    platform: formatPlatform(platform),
    digest: descriptor.digest,
    size: descriptor.size,
    config: config.descriptor.digest,
    layers: layers.length,
  }
}

function exportToJson({ exporter, location, names, digest, details }: ExportResult): JsonObject {
  return { exporter, location, names, digest, ...(details === undefined ? {} : { details }) }
}

function errorToJson({ code, message, hint, detail, places }: Problem): JsonObject {
  const platforms = places.map(place => place.platform).filter(item => item !== undefined)
  return {
    code,
    message: redact(message),
    ...(platforms.length === 0 ? {} : { platforms }),
    ...(hint === undefined ? {} : { hint }),
    ...(detail === undefined ? {} : { detail: redact(detail) }),
  }
}
