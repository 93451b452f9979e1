import { type Digest, isDigest, isTag, parseReference, shown, UsageError } from '@orch/oci'
import type { Scope } from '../auth/scope.ts'
import type { RegistryRequest, RegistryResponse, Transport } from '../transport/types.ts'
import type { Holdings } from './holdings.ts'

/** One registry of a run. */
export interface RegistryContext {
  readonly transport: Transport
  readonly domain: string
  readonly holdings: Holdings
  /** Upload in chunks of so many bytes; undefined: whole. */
  readonly chunkBytes: number | undefined
  /** Ends everything. */
  readonly signal: AbortSignal | undefined
}

/** One repository of a registry. */
export interface Context extends RegistryContext {
  readonly path: string
}

type Request = Omit<RegistryRequest, 'domain' | 'scopes'> & { readonly scopes?: readonly Scope[] }

/** Sends a request about a repository; the scope is pull where none is given. */
export function ask(context: Context, request: Request): Promise<RegistryResponse> {
  return context.transport.request({
    scopes: [pullScope(context.path)],
    ...request,
    domain: context.domain,
  })
}

export function pullScope(repository: string): Scope {
  return { repository, actions: ['pull'] }
}

/** Pull and push: one token does for all that a push asks. */
export function pushScope(repository: string): Scope {
  return { repository, actions: ['pull', 'push'] }
}

export function manifestTarget({ path }: Context, reference: string): string {
  return `/v2/${path}/manifests/${checkedReference(reference)}`
}

export function blobTarget({ path }: Context, digest: Digest): string {
  return `/v2/${path}/blobs/${digest}`
}

/** For messages: `docker.io/library/x:tag` or `…@sha256:…`. */
export function fullName({ domain, path }: Context, reference: string): string {
  return `${domain}/${path}${isDigest(reference) ? '@' : ':'}${reference}`
}

/** The repository that domain and path name, as references have it. Throws `REFERENCE_INVALID`. */
export function repositoryPath(domain: string, path: string): string {
  const name = `${domain}/${path}`
  const parsed = parseReference(name)
  if (parsed.domain !== domain || parsed.tag !== undefined || parsed.digest !== undefined) {
    throw new UsageError('REFERENCE_INVALID', `${shown(name)} is not a repository's name`, {
      hint: 'A registry has a dot or a port in its name, or is localhost.',
    })
  }
  return parsed.path
}

/** What joins the call's signal and the run's. */
export function anySignal(
  one: AbortSignal | undefined,
  other: AbortSignal | undefined,
): AbortSignal | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return AbortSignal.any([one, other])
}

function checkedReference(reference: string): string {
  if (isDigest(reference) || isTag(reference)) return reference
  throw new UsageError('REFERENCE_INVALID', `${shown(reference)} is neither a tag nor a digest`)
}
