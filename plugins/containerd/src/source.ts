import {
  type ContentSource,
  type Descriptor,
  type ImageSource,
  mediaTypes,
  nameAnnotations,
  OrchError,
  pickImage,
} from '@orch/oci'
import type { Client } from './client/types.ts'
import { type Endpoint, type Reaching, reach } from './endpoint.ts'

/**
 * Opens an image of a containerd, or with `whole` and no name all of its namespace. What the daemon does
 * not hold of it is `BLOB_MISSING` where it is asked for: an image pulled for one platform names the
 * others too. Throws `IMAGE_NOT_FOUND`, which lists what there is, and what `reach` throws.
 */
export async function openImage(
  endpoint: Endpoint,
  name: string | undefined,
  reaching: Reaching & { readonly whole: boolean | undefined },
): Promise<ImageSource> {
  const client = await reach(endpoint, reaching)
  try {
    const manifests = await recordsOf(client, reaching.signal)
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
    const path = `containerd at ${endpoint.address}, namespace ${endpoint.namespace},`
    const medium = { path, index, ...contentOf(client, reaching.signal) }
    return { ...pickImage(medium, name, reaching.whole), close: async () => client.close() }
  } catch (error) {
    client.close()
    throw error
  }
}

/** Every image record of the namespace, as an index names its images. */
async function recordsOf(client: Client, signal: AbortSignal): Promise<readonly Descriptor[]> {
  const records = await client.images.list([], { signal })
  return records.map(({ name, target }) => ({
    ...target,
    annotations: { [nameAnnotations.containerd]: name },
  }))
}

function contentOf(client: Client, signal: AbortSignal): ContentSource {
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
      return {
        descriptor,
        open: ({ offset = 0, signal: own } = {}) =>
          client.content.read(digest, { offset, signal: own ?? signal }),
      }
    },
  }
}
