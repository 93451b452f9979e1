import { Readable } from 'node:stream'
import type { BuildContext } from '@orch/core'
import {
  type Blob,
  type ContentSource,
  type Descriptor,
  type Digest,
  descriptorFromJson,
  descriptorToJson,
  isDocumentType,
  OrchError,
} from '@orch/oci'
import type { Repository } from '@orch/registry'
import { documentBlob, originsOf } from './content.ts'

/**
 * What a repository holds, by way of the store: what is fetched is put there, and taken from there when
 * it is there. Offline, what the store lacks is the error `OFFLINE`.
 */
export function keptContent(repository: Repository, context: BuildContext): ContentSource {
  return {
    async blob(descriptor) {
      const origins = originsOf(repository.blob(descriptor))
      const held = await context.store.get(descriptor)
      if (held !== undefined) return { ...held, ...origins }
      if (context.offline) throw lacking(repository, descriptor.digest)
      if (isDocumentType(descriptor.mediaType)) return fetched(repository, descriptor, context)
      return {
        descriptor,
        ...origins,
        open: options => throughStore(repository, descriptor, context, options),
      }
    },
  }
}

/** The root that a digest names, from the store when it is there. Throws `OFFLINE`, `REGISTRY_NOT_FOUND`. */
export async function keptRoot(
  repository: Repository,
  digest: Digest,
  context: BuildContext,
): Promise<Descriptor> {
  const { data } = await context.action({ kind: 'fetch', inputs: { digest } }, async () => {
    if (context.offline) throw lacking(repository, digest)
    const { bytes, descriptor } = await repository.document(digest, context.signal)
    const { mediaType } = descriptor
    await context.store.add(chunk(bytes), mediaType, { expected: descriptor })
    return { blobs: [descriptor], data: descriptorToJson(descriptor) }
  })
  return descriptorFromJson(data, `the root ${digest}`)
}

/** Brings a blob into the store; who asks for the same at once gets the same. */
async function fetched(
  repository: Repository,
  descriptor: Descriptor,
  context: BuildContext,
): Promise<Blob> {
  const { digest, mediaType, size } = descriptor
  const inputs = { digest, mediaType, size }
  const { held } = await context.action({ kind: 'fetch', inputs }, async () => {
    const { signal } = context
    const remote = isDocumentType(mediaType)
      ? await documentBlob(repository, descriptor, signal)
      : repository.blob(descriptor)
    const { descriptor: added } = await context.store.add(remote.open({ signal }), mediaType, {
      expected: descriptor,
      signal,
    })
    return { blobs: [added], data: null }
  })
  const [blob] = held
  if (blob === undefined)
    throw new OrchError('STORE_INVALID', `the store remembers ${digest} without its blob`)
  return { ...blob, descriptor, ...originsOf(repository.blob(descriptor)) }
}

/** The bytes of a blob that is brought into the store when someone reads it. */
function throughStore(
  repository: Repository,
  descriptor: Descriptor,
  context: BuildContext,
  options: Parameters<Blob['open']>[0],
): Readable {
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const blob = await fetched(repository, descriptor, context)
    yield* blob.open(options) as AsyncIterable<Uint8Array>
  }
  return Readable.from(bytes(), { objectMode: false })
}

function lacking(repository: Repository, digest: Digest): OrchError {
  return new OrchError('OFFLINE', `the store lacks ${digest} of ${repository.name}`, {
    hint: 'Run orch fetch with the network there.',
  })
}

async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
