import { OrchError, shown } from '../errors.ts'
import {
  checkFieldNames,
  encodeJson,
  type JsonObject,
  parseJsonObject,
  sortedRecord,
} from '../json.ts'
import {
  type Annotations,
  annotationsFromJson,
  type Descriptor,
  descriptorFromJson,
  descriptorToJson,
  optionalString,
  subjectFromJson,
} from './descriptor.ts'
import { isManifestType, mediaTypes } from './media-types.ts'

/** An image manifest (image-spec, manifest.md), or Docker's image manifest v2, schema 2. */
export interface Manifest {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Annotations
}

/** The field names of manifests and indexes: each must be spelled so, and the two must not be mixed. */
const fields = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'subject',
  'annotations',
  'manifests',
  'fsLayers',
]

/** Checks what holds of manifests and indexes alike, and returns the document's media type. */
export function checkImageDocument(
  document: JsonObject,
  what: string,
  expected: string | undefined,
): string | undefined {
  checkFieldNames(document, fields, what)
  if (
    'manifests' in document &&
    ('layers' in document || 'config' in document || 'fsLayers' in document)
  ) {
    throw new OrchError('DOCUMENT_AMBIGUOUS', `${what} has both manifests and layers or config`, {
      hint: 'It could be read as an index and as a manifest (CVE-2021-41190); do not trust where it came from.',
    })
  }
  if ('fsLayers' in document)
    throw new OrchError('DOCUMENT_INVALID', `${what} is a Docker manifest of schema 1`, {
      hint: 'Registries stopped serving schema 1 long ago; push the image again with a current tool.',
    })
  const { mediaType, schemaVersion } = document
  if (schemaVersion !== undefined && schemaVersion !== 2) {
    throw new OrchError(
      'DOCUMENT_INVALID',
      `${what} has schemaVersion ${shown(schemaVersion)}; only 2 is known`,
    )
  }
  if (mediaType !== undefined && mediaType !== null && typeof mediaType !== 'string') {
    throw new OrchError('DOCUMENT_INVALID', `${what}: mediaType is not a string`)
  }
  if (!mediaType) return expected
  if (expected !== undefined && mediaType !== expected) {
    throw new OrchError(
      'DOCUMENT_AMBIGUOUS',
      `${what} says it is ${shown(mediaType)}, its descriptor says ${expected}`,
    )
  }
  return mediaType
}

/**
 * Reads a manifest. Throws `JSON_INVALID`, `DOCUMENT_INVALID`, `DOCUMENT_AMBIGUOUS` (mixed with an
 * index, or a mediaType that differs from the descriptor's), `DESCRIPTOR_INVALID`.
 * @param expected the descriptor's media type, where there is a descriptor
 */
export function parseManifest(bytes: Uint8Array, what = 'manifest', expected?: string): Manifest {
  const document = parseJsonObject(bytes, what)
  const mediaType = checkImageDocument(document, what, expected) ?? mediaTypes.manifest
  if (!isManifestType(mediaType))
    throw new OrchError(
      'DOCUMENT_INVALID',
      `${what}: ${shown(mediaType)} is not a manifest's media type`,
    )
  const { layers } = document
  if (!Array.isArray(layers))
    throw new OrchError('DOCUMENT_INVALID', `${what} has no list of layers`)
  const artifactType = optionalString(document, 'artifactType', what)
  const subject = subjectFromJson(document, what)
  const annotations = annotationsFromJson(document['annotations'], what)
  return {
    schemaVersion: 2,
    mediaType,
    ...(artifactType === undefined || artifactType === '' ? {} : { artifactType }),
    config: descriptorFromJson(document['config'], `${what}: config`),
    layers: layers.map((layer, at) => descriptorFromJson(layer, `${what}: layers[${at}]`)),
    ...(subject === undefined ? {} : { subject }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

/** The bytes of a manifest: the same manifest always has the same bytes. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { mediaType, artifactType, config, layers, subject, annotations } = manifest
  return encodeJson({
    schemaVersion: 2,
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: descriptorToJson(config),
    layers: layers.map(descriptorToJson),
    ...(subject === undefined ? {} : { subject: descriptorToJson(subject) }),
    ...(annotations === undefined || Object.keys(annotations).length === 0
      ? {}
      : { annotations: sortedRecord(annotations) }),
  })
}
