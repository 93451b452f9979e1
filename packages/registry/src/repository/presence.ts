import type { Descriptor, Digest } from '@orch/oci'
import type { Scope } from '../auth/scope.ts'
import { discard } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import { ask, blobTarget, type Context, pullScope, pushScope } from './context.ts'

/** `Repository.has`. */
export async function has(
  context: Context,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return (await head(context, digest, pullScope(context.path), signal)).status === 200
}

/** Whether a push may leave the blob out: it is there, and with the size that it has here. */
export async function isComplete(
  context: Context,
  { digest, size }: Descriptor,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { status, headers } = await head(context, digest, pushScope(context.path), signal)
  const length = Number(headers['content-length'] ?? 0) // some answer HEAD without a length, or with 0
  return status === 200 && (length === 0 || length === size)
}

async function head(
  context: Context,
  digest: Digest,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<RegistryResponse> {
  const target = blobTarget(context, digest)
  const response = await ask(context, { method: 'HEAD', target, scopes: [scope], signal })
  await discard(response)
  return response
}
