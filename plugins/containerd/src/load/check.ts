import { atOnce, type Descriptor, type Digest, digestOf, digestParts, OrchError } from '@orch/oci'
import type { ContentInfo } from '../client/types.ts'
import type { Content } from './content.ts'
import { lacking } from './labels.ts'
import type { Session } from './session.ts'

/** What a daemon was found to lack: worth another attempt, as someone may have collected it meanwhile. */
export class ContentGone extends OrchError {}

/** How often labels are put back before whoever takes them off has won. */
const maxRounds = 10

/** What is known of the blobs of an image that are there. */
export async function findThere(
  content: Content,
  info: (digest: Digest) => Promise<ContentInfo | undefined>,
): Promise<ReadonlyMap<Digest, ContentInfo>> {
  const there = new Map<Digest, ContentInfo>()
  await atOnce(descriptorsOf(content), async ({ digest }) => {
    const found = await info(digest)
    if (found !== undefined) there.set(digest, found)
  })
  return there
}

/** Every blob of every platform is there with its size. Throws `CONTAINERD_INCOMPLETE`, `BLOB_CORRUPT`. */
export async function checkBlobs(session: Session): Promise<void> {
  const { client, call, load } = session
  await atOnce(descriptorsOf(load.content), async descriptor => {
    const found = await client.content.info(descriptor.digest, call)
    if (found === undefined) throw gone(session, descriptor, 'is gone again')
    if (found.size !== descriptor.size)
      throw damaged(session, descriptor, `has ${found.size} bytes there, not ${descriptor.size}`)
  })
}

/**
 * Puts labels back that somebody took off a document while the lease held what they point at (`ctr content
 * prune references` does), until none is lacking.
 */
export async function relabel({ client, call, load }: Session): Promise<void> {
  for (let isWhole = false, round = 0; !isWhole && round < maxRounds; round += 1) {
    const relabelled = await atOnce(load.content.documents, async ({ descriptor, labels }) => {
      const found = await client.content.info(descriptor.digest, call)
      const missing = lacking(found?.labels ?? labels, labels)
      if (Object.keys(missing).length === 0) return false
      await client.content.label(descriptor.digest, missing, call)
      return true
    })
    isWhole = !relabelled.includes(true)
  }
}

/** The names point at the image, and its documents can be read there. Throws `CONTAINERD_INCOMPLETE`, `BLOB_CORRUPT`. */
export async function checkRecords(session: Session): Promise<void> {
  const { client, call, load } = session
  const { root } = load.content.source
  for (const name of load.names) {
    const record = await client.images.get(name, call)
    if (record?.target.digest === root.digest) continue
    throw new OrchError(
      'CONTAINERD_INCOMPLETE',
      `containerd at ${client.address}: ${name} was written, but now names ${record?.target.digest ?? 'nothing'}`,
      { hint: 'Someone else writes the same name; load again when they are done.' },
    )
  }
  await atOnce(load.content.documents, async ({ descriptor }) => {
    const bytes: Uint8Array[] = []
    const { signal } = call
    for await (const chunk of client.content.read(descriptor.digest, { signal })) bytes.push(chunk)
    const { algorithm } = digestParts(descriptor.digest)
    if (digestOf(Buffer.concat(bytes), algorithm) !== descriptor.digest)
      throw damaged(session, descriptor, 'reads differently there')
  })
}

function gone({ client }: Session, { digest, mediaType }: Descriptor, why: string): ContentGone {
  return new ContentGone(
    'CONTAINERD_INCOMPLETE',
    `containerd at ${client.address}: blob ${digest} (${mediaType}) ${why}`,
    { hint: 'Something removes content or leases there; stop it, and load again.' },
  )
}

/** What the daemon has is not what was sent once: no other attempt would replace it. */
function damaged({ client }: Session, { digest, mediaType }: Descriptor, why: string): OrchError {
  return new OrchError(
    'BLOB_CORRUPT',
    `containerd at ${client.address}: blob ${digest} (${mediaType}) ${why}`,
    {
      hint: `Check the disk of that containerd, remove the blob (ctr -n ${client.namespace} content rm ${digest}), and load again.`,
    },
  )
}

function descriptorsOf({ leaves, documents }: Content): readonly Descriptor[] {
  return [...leaves, ...documents].map(({ descriptor }) => descriptor)
}
