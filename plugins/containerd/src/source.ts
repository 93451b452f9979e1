import {
  type ContentSource,
  type Descriptor,
  type ImageSource,
  isDigest,
  mediaTypes,
  nameAnnotations,
  OrchError,
  pickImage,
  wholeReference,
} from '@orch/oci'
import type { Client, ImageRecord } from './client/types.ts'
import { type Endpoint, type Reaching, reach } from './endpoint.ts'
import { originsIn } from './load/labels.ts'

/**
 * Opens an image of a containerd, or with `whole` and no name all of its namespace. What the daemon does
 * not hold of it is `BLOB_MISSING` where it is asked for: an image pulled for one platform names the
 * others too. Throws `IMAGE_NOT_FOUND`, which lists what there is, and what `reach` throws.
 */
export async function openImage(
  endpoint: Endpoint,
  name: string | undefined,
  reaching: Reaching & { readonly whole: boolean | undefined; readonly base: boolean },
): Promise<ImageSource> {
  const client = await reach(endpoint, reaching)
  try {
    if (name === undefined) await needNamespace(client, reaching.signal)
    const manifests =
      (name === undefined ? undefined : await recordNamed(client, name, reaching.signal)) ??
      (await recordsOf(client, reaching.signal))
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
    const path = `containerd at ${endpoint.address}, namespace ${endpoint.namespace},`
    const medium = { path, index, ...contentOf(client, reaching) }
    return { ...pickImage(medium, name, reaching.whole), close: async () => client.close() }
  } catch (error) {
    client.close()
    throw error
  }
}

/** Throws `IMAGE_NOT_FOUND` for a namespace that does not exist, rather than finding nothing wrong in it. */
async function needNamespace(client: Client, signal: AbortSignal): Promise<void> {
  const namespaces = await client.namespaces.list({ signal })
  if (namespaces.includes(client.namespace)) return
  throw new OrchError(
    'IMAGE_NOT_FOUND',
    `containerd at ${client.address} has no namespace ${client.namespace}; it has ${namespaces.join(', ') || 'none'}`,
    { hint: 'Name one of these: containerd:NAMESPACE/ or containerd:NAMESPACE/NAME.' },
  )
}

/** The record of this name, as it stands or as a whole reference; undefined when there is none. */
async function recordNamed(
  client: Client,
  name: string,
  signal: AbortSignal,
): Promise<readonly Descriptor[] | undefined> {
  if (isDigest(name)) return undefined
  const found =
    (await client.images.get(name, { signal })) ??
    (await client.images.get(wholeReference(name), { signal }))
  return found === undefined ? undefined : [named(found)]
}

function named({ name, target }: ImageRecord): Descriptor {
  return { ...target, annotations: { [nameAnnotations.containerd]: name } }
}

/**
 * Every image record of the namespace, as an index names its images. Kubernetes keeps one more record of
 * each image under its ID, which is no name.
 */
async function recordsOf(client: Client, signal: AbortSignal): Promise<readonly Descriptor[]> {
  const records = await client.images.list([], { signal })
  const known = new Set(
    records.flatMap(({ name, target }) => (isDigest(name) ? [] : target.digest)),
  )
  return records.flatMap(record => {
    if (!isDigest(record.name)) return named(record)
    return known.has(record.target.digest) ? [] : record.target
  })
}

/**
 * What a containerd holds. Its labels say where blobs came from, so that copying back mounts them; the
 * layers of a base are looked through before they are used, and so they are told of as lying here.
 */
function contentOf(
  client: Client,
  { signal, base }: { readonly signal: AbortSignal; readonly base: boolean },
): ContentSource {
  return {
    async blob(descriptor) {
      const { digest, mediaType } = descriptor
      const info = await client.content.info(digest, { signal })
      if (info === undefined) {
        throw new OrchError(
          'BLOB_MISSING',
          `containerd at ${client.address} lacks the blob ${digest} (${mediaType})`,
          { hint: 'Pull or load the image there with all its platforms.' },
        )
      }
      if (info.size !== descriptor.size) {
        throw new OrchError(
          'BLOB_CORRUPT',
          `containerd at ${client.address}: blob ${digest} has ${info.size} bytes, not ${descriptor.size}`,
          { hint: 'The image contradicts itself; build or load it again.' },
        )
      }
      const origins = base ? [] : originsIn(info.labels)
      return {
        descriptor,
        ...(origins.length === 0 ? {} : { origins }),
        open: ({ offset = 0, signal: own } = {}) =>
          client.content.read(digest, { offset, signal: own ?? signal }),
      }
    },
  }
}
