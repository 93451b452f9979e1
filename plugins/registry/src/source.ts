import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BuildContext, Plan, SourceRef } from '@orch/core'
import {
  type Descriptor,
  type Digest,
  formatReference,
  type ImageSource,
  isDigest,
  OrchError,
  UsageError,
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
  return open(ref, pool, context).catch(error => {
    throw withFileHint(error, ref, context.plan)
  })
}

/** A bare word is an image in a registry, even where a file has its name: who meant that is told. */
function withFileHint(error: unknown, { text }: SourceRef, { root }: Plan): unknown {
  if (!(error instanceof OrchError) || text.startsWith('docker:')) return error
  if (!existsSync(resolve(root, text))) return error
  const { code, message, cause, hint } = error
  const file = `To name the file or folder, write oci:${text}, oci-archive:${text} or docker-archive:${text}.`
  const options = { hint: hint === undefined ? file : `${file}\n${hint}`, cause }
  return error instanceof UsageError
    ? new UsageError(code, message, options)
    : new OrchError(code, message, options)
}

async function open(ref: SourceRef, pool: Pool, context: BuildContext): Promise<ImageSource> {
  const place = parsePlace(ref.rest)
  const { domain, path, tag, digest } = place.reference
  const registries = await pool.of(domain, place.insecure, context)
  const repository = registries.repository(domain, path)
  const wanted = ref.digest ?? digest ?? tag ?? 'latest'
  if (context.offline && (ref.keep !== true || !isDigest(wanted))) throw offline(ref, place)
  const names = ref.digest === undefined && tag === undefined ? [] : [nameOf(place)]
  if (ref.keep !== true) {
    const root = await resolved(repository, wanted, context.signal)
    return { root, names, content: remoteContent(repository, context.signal) }
  }
  const root = isDigest(wanted)
    ? await keptRoot(repository, wanted, context)
    : await resolved(repository, wanted, context.signal)
  return { root, names, content: keptContent(repository, context) }
}

/** The name of what a tag names; what only a digest names has none. */
function nameOf({ reference: { domain, path, tag } }: Place): string {
  return formatReference({ domain, path, ...(tag === undefined ? {} : { tag }) })
}

/** What a tag or digest names. Throws `REGISTRY_NOT_FOUND`. */
async function resolved(
  repository: Repository,
  wanted: string | Digest,
  signal: AbortSignal,
): Promise<Descriptor> {
  const found =
    (await repository.resolve(wanted, { signal })) ?? (await repository.document(wanted, signal))
  return found.descriptor
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
