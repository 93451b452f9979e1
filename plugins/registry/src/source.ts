import type { BuildContext, SourceRef } from '@orch/core'
import {
  type Descriptor,
  type Digest,
  formatReference,
  type ImageSource,
  isDigest,
  OrchError,
} from '@orch/oci'
import type { Repository } from '@orch/registry'
import { remoteContent } from './content.ts'
import { keptContent, keptRoot } from './kept.ts'
import { type Place, parsePlace } from './place.ts'
import type { Pool } from './pool.ts'

/**
 * Opens an image of a registry; layers are asked for when they are read, and not before. What is kept
 * (`SourceRef.keep`) is taken from the store where it is there. Throws `REGISTRY_NOT_FOUND`, `OFFLINE`
 * for a tag of which nobody says the digest, and what the registry throws.
 */
export async function openImage(
  ref: SourceRef,
  pool: Pool,
  context: BuildContext,
): Promise<ImageSource> {
  const place = parsePlace(ref.rest)
  const { domain, path, tag, digest } = place.reference
  const repository = pool.of(domain, place.insecure, context).repository(domain, path)
  const wanted = ref.digest ?? digest ?? tag ?? 'latest'
  if (context.offline && (ref.keep !== true || !isDigest(wanted))) throw offline(ref, place)
  const names = ref.digest === undefined && tag === undefined ? [] : [nameOf(place)]
  if (ref.keep !== true) {
    const root = await resolved(repository, wanted, place, context.signal)
    return { root, names, content: remoteContent(repository, context.signal) }
  }
  const root = isDigest(wanted)
    ? await keptRoot(repository, wanted, context)
    : await resolved(repository, wanted, place, context.signal)
  return { root, names, content: keptContent(repository, context) }
}

/** The name of what a tag names; what only a digest names has none. */
function nameOf({ reference: { domain, path, tag } }: Place): string {
  return formatReference({ domain, path, ...(tag === undefined ? {} : { tag }) })
}

async function resolved(
  repository: Repository,
  wanted: string | Digest,
  { reference }: Place,
  signal: AbortSignal,
): Promise<Descriptor> {
  const found = await repository.resolve(wanted, { signal })
  if (found !== undefined) return found.descriptor
  throw new OrchError('REGISTRY_NOT_FOUND', `${formatReference(reference)} is not there`, {
    hint: 'Check name and tag; some registries also say so to those who are not logged in.',
  })
}

function offline(ref: SourceRef, { reference }: Place): OrchError {
  const name = formatReference(reference)
  if (ref.keep !== true)
    return new OrchError('OFFLINE', `${name} is in a registry, and nothing may touch the network`, {
      hint: 'Leave out --offline.',
    })
  return new OrchError('OFFLINE', `what ${name} means, only its registry knows`, {
    hint: 'Run orch lock and orch fetch with the network there, or write its digest.',
  })
}
