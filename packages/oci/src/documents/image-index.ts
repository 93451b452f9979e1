import { OrchError, shown } from '../errors.ts'
import { encodeJson, parseJsonObject, sortedRecord } from '../json.ts'
import {
  type Annotations,
  annotationsFromJson,
  type Descriptor,
  descriptorFromJson,
  descriptorToJson,
  optionalString,
  subjectFromJson,
} from './descriptor.ts'
import { checkImageDocument } from './manifest.ts'
import { isIndexType, mediaTypes } from './media-types.ts'

/** An image index (image-spec, image-index.md), or Docker's manifest list. */
export interface ImageIndex {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Annotations
}

/** The largest fan-out of one index that is read. */
const maxManifests = 10_000

/** Reads an index; the errors are those of `parseManifest`. A missing schemaVersion is tolerated (rules_oci omits it). */
export function parseIndex(bytes: Uint8Array, what = 'index', expected?: string): ImageIndex {
  const document = parseJsonObject(bytes, what)
  const mediaType = checkImageDocument(document, what, expected) ?? mediaTypes.index
  if (!isIndexType(mediaType))
    throw new OrchError(
      'DOCUMENT_INVALID',
      `${what}: ${shown(mediaType)} is not an index's media type`,
    )
  const { manifests } = document
  if (!Array.isArray(manifests))
    throw new OrchError('DOCUMENT_INVALID', `${what} has no list of manifests`)
  if (manifests.length > maxManifests) {
    throw new OrchError(
      'DOCUMENT_INVALID',
      `${what} lists ${manifests.length} manifests; the limit is ${maxManifests}`,
    )
  }
  const artifactType = optionalString(document, 'artifactType', what)
  const subject = subjectFromJson(document, what)
  const annotations = annotationsFromJson(document['annotations'], what)
  return {
    schemaVersion: 2,
    mediaType,
    ...(artifactType === undefined || artifactType === '' ? {} : { artifactType }),
    manifests: manifests.map((item, at) => descriptorFromJson(item, `${what}: manifests[${at}]`)),
    ...(subject === undefined ? {} : { subject }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

/** The bytes of an index: the same index always has the same bytes. */
export function encodeIndex(index: ImageIndex): Uint8Array {
  const { mediaType, artifactType, manifests, subject, annotations } = index
  return encodeJson({
    schemaVersion: 2,
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    manifests: manifests.map(descriptorToJson),
    ...(subject === undefined ? {} : { subject: descriptorToJson(subject) }),
    ...(annotations === undefined || Object.keys(annotations).length === 0
      ? {}
      : { annotations: sortedRecord(annotations) }),
  })
}
