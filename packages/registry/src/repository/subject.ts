import {
  type Descriptor,
  type Digest,
  encodeIndex,
  isIndexType,
  isManifestType,
  mediaTypes,
  parseIndex,
  parseManifest,
} from '@orch/oci'
import { discard } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import { brokenAnswer, refusal } from './answer.ts'
import { type Context, fullName } from './context.ts'
import { pause } from './patience.ts'
import { type PutDocument, sendDocument } from './put.ts'
import { fallbackIndex, fallbackTag, fromApi } from './referrers.ts'

/** Changes of a tag that others change too are tried so often. */
const tries = 6

/** A document that refers to another one. */
interface Referrer {
  readonly subject: Digest
  readonly descriptor: Descriptor
}

/**
 * Sees to it that what was put is found among the referrers of its subject. The registry's OCI-Subject
 * alone is not believed (some send it without having the API): when the API does not list it, the
 * fallback tag does.
 */
export async function announce(
  context: Context,
  document: PutDocument,
  digest: Digest,
  { headers }: RegistryResponse,
  signal: AbortSignal | undefined,
): Promise<void> {
  const referrer = referrerOf(document, digest)
  if (referrer === undefined) return
  const { listed } = await fromApi(context, referrer.subject, signal)
  const isPromised = headers['oci-subject'] === referrer.subject && listed !== undefined
  if (isPromised || listed?.some(descriptor => descriptor.digest === digest) === true) return
  await changeList(context, referrer, true, signal)
}

/** Takes a document that was removed out of the list under the fallback tag of its subject, if it is there. */
export async function renounce(
  context: Context,
  document: PutDocument,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<void> {
  const referrer = referrerOf(document, digest)
  if (referrer !== undefined) await changeList(context, referrer, false, signal)
}

/** Who refers to whom, with the artifact type and annotations that a list of referrers repeats. */
function referrerOf({ bytes, mediaType }: PutDocument, digest: Digest): Referrer | undefined {
  const read = isIndexType(mediaType)
    ? parseIndex
    : isManifestType(mediaType)
      ? parseManifest
      : undefined
  const document = read?.(bytes, digest, mediaType)
  if (document?.subject === undefined) return undefined
  const { subject, annotations } = document
  const config = 'config' in document ? document.config.mediaType : undefined
  const artifactType = document.artifactType ?? config
  return {
    subject: subject.digest,
    descriptor: {
      mediaType,
      digest,
      size: bytes.byteLength,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  }
}

/** Sees to it that the list under the fallback tag has the referrer, or has it not. */
function changeList(
  context: Context,
  referrer: Referrer,
  isListed: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = `${context.path}:${fallbackTag(referrer.subject)}`
  const change = (): Promise<void> => rewriteList(context, referrer, isListed, signal)
  return context.holdings.tags.take(key, change, signal)
}

/**
 * Reads the list, changes it, writes it, and reads it again: most registries ignore If-Match, so that
 * another writer may have come between.
 */
async function rewriteList(
  context: Context,
  { subject, descriptor }: Referrer,
  isListed: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const tag = fallbackTag(subject)
  const what = fullName(context, tag)
  for (let attempt = 0; ; attempt++) {
    const found = await fallbackIndex(context, subject, signal)
    const manifests = found?.index.manifests ?? []
    const others = manifests.filter(({ digest }) => digest !== descriptor.digest)
    if (others.length < manifests.length === isListed) return
    if (attempt === tries)
      throw brokenAnswer(what, 'the list of referrers does not stay as written')
    const list = found?.index ?? ({ schemaVersion: 2, mediaType: mediaTypes.index } as const)
    const bytes = encodeIndex({ ...list, manifests: isListed ? [...others, descriptor] : others })
    const match = found?.etag === undefined ? {} : { 'if-match': found.etag }
    const document = { bytes, mediaType: mediaTypes.index }
    const response = await sendDocument(context, document, tag, match, signal)
    if (response.status >= 400 && response.status !== 412) throw await refusal(what, response)
    await discard(response)
    if (attempt > 0) await pause(Math.random() * 100 * 2 ** attempt, signal)
  }
}
