import {
  type Blob,
  blobFromBytes,
  type ContentSource,
  type Descriptor,
  type Digest,
  isConfigType,
  isDocumentType,
  OrchError,
  readBlob,
} from '@orch/oci'
import type { Repository } from '@orch/registry'

/**
 * What a repository holds. Documents and configs are read once and kept in memory; that anything else is
 * there is found when it is read.
 */
export function remoteContent(repository: Repository, signal: AbortSignal): ContentSource {
  const small = new Map<Digest, Promise<Blob>>()
  return {
    async blob(descriptor) {
      const { digest, mediaType } = descriptor
      if (!isDocumentType(mediaType) && !isConfigType(mediaType)) return repository.blob(descriptor)
      const read = small.get(digest) ?? smallBlob(repository, descriptor, signal)
      small.set(digest, read)
      read.catch(() => small.delete(digest))
      return read
    },
    referrers: (digest, own = signal) => repository.referrers(digest, { signal: own }),
  }
}

async function smallBlob(
  repository: Repository,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Blob> {
  const { mediaType } = descriptor
  if (isDocumentType(mediaType)) return documentBlob(repository, descriptor, signal)
  const remote = repository.blob(descriptor)
  const bytes = await readBlob(remote, { signal })
  return { ...blobFromBytes(bytes, mediaType), ...originsOf(remote), descriptor }
}

/** A manifest or index. Throws `BLOB_MISSING`: an index may name what its registry does not hold. */
export async function documentBlob(
  repository: Repository,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Blob> {
  const { digest, mediaType } = descriptor
  try {
    const { bytes } = await repository.document(digest, signal)
    return { ...blobFromBytes(bytes, mediaType), descriptor }
  } catch (cause) {
    if (!(cause instanceof OrchError) || cause.code !== 'REGISTRY_NOT_FOUND') throw cause
    const why = `${repository.name} lacks ${digest} (${mediaType})`
    throw new OrchError('BLOB_MISSING', why, { cause })
  }
}

/** Where a blob can be mounted from. */
export function originsOf({ origins }: Blob): Pick<Blob, 'origins'> {
  return origins === undefined ? {} : { origins }
}
