import type { BuildResult, BuiltManifest, ExportResult, ImageResult } from '@orch/core'
import { descriptorToJson, formatPlatform, type JsonObject } from '@orch/oci'
import { dedupeErrors } from '../errors/dedupe.ts'
import type { Problem } from '../errors/problem.ts'

/**
 * A build as a document, for `--json` and `--metadata-file`. An image that was built has digest, media
 * type and size of its index, and the keys by which readers of buildx's metadata file find it
 * (`containerimage.digest`, `containerimage.descriptor`, `image.name`); one that was not has none of
 * these. Sizes are bytes: of the index and of the manifests themselves.
 */
export function resultDocument(result: BuildResult): JsonObject {
  return {
    ok: result.ok,
    milliseconds: Math.round(result.milliseconds),
    images: result.images.map(imageToJson),
    ...(result.errors.length === 0 ? {} : { errors: dedupeErrors(result.errors).map(errorToJson) }),
  }
}

function imageToJson({ name, image, exports, errors }: ImageResult): JsonObject {
  const ends = { exports: exports.map(exportToJson), errors: dedupeErrors(errors).map(errorToJson) }
  if (image === undefined) return { name, references: [], platforms: [], ...ends }
  const { root, references, manifests } = image
  return {
    name,
    digest: root.digest,
    mediaType: root.mediaType,
    size: root.size,
    references,
    platforms: manifests.map(manifestToJson),
    ...ends,
    'containerimage.digest': root.digest,
    'containerimage.descriptor': descriptorToJson(root),
    'image.name': references.join(','),
  }
}

function manifestToJson({ platform, descriptor, config, layers }: BuiltManifest): JsonObject {
  return {
    platform: formatPlatform(platform),
    digest: descriptor.digest,
    size: descriptor.size,
    config: config.descriptor.digest,
    layers: layers.length,
  }
}

function exportToJson({ exporter, location, names, digest }: ExportResult): JsonObject {
  return { exporter, location, names, digest }
}

function errorToJson({ code, message, hint, detail, places }: Problem): JsonObject {
  const platforms = places.map(place => place.platform).filter(item => item !== undefined)
  return {
    code,
    message,
    ...(platforms.length === 0 ? {} : { platforms }),
    ...(hint === undefined ? {} : { hint }),
    ...(detail === undefined ? {} : { detail }),
  }
}
