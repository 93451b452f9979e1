import { isDigest, OrchError } from '@orch/oci'
import { discard } from '../transport/bodies.ts'
import { refusal } from './answer.ts'
import { ask, type Context, fullName, manifestTarget } from './context.ts'
import { find } from './documents.ts'
import { renounce } from './subject.ts'

/** `Repository.remove`; a referrer leaves the fallback tag's list too. Throws `REGISTRY_NOT_FOUND`, `REGISTRY_UNSUPPORTED`, `REGISTRY_REFUSED`. */
export async function remove(
  context: Context,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const what = fullName(context, reference)
  // What cannot be read is removed all the same; the answer to DELETE tells what is wrong.
  const removed = isDigest(reference)
    ? await find(context, reference, { signal, mirrored: false }).catch(() => undefined)
    : undefined
  const response = await ask(context, {
    method: 'DELETE',
    target: manifestTarget(context, reference),
    scopes: [{ repository: context.path, actions: ['pull', 'push', 'delete'] }],
    signal,
  })
  if (response.status >= 200 && response.status < 300) {
    await discard(response)
    if (removed === undefined) return
    const { bytes, descriptor } = removed
    const { mediaType, digest } = descriptor
    return renounce(context, { bytes, mediaType }, digest, signal)
  }
  const refused = await refusal(what, response)
  // Distribution before 3 takes a tag for a broken digest here.
  const isTagRefused = !isDigest(reference) && refused.says('DIGEST_INVALID')
  if (refused.status === 405 || refused.says('UNSUPPORTED') || isTagRefused) {
    throw new OrchError('REGISTRY_UNSUPPORTED', `${what}: the registry does not remove it`, {
      hint: 'Its operator must allow that; some registries remove manifests by digest, but no tags.',
      cause: refused,
    })
  }
  if (refused.status === 404) throw new OrchError('REGISTRY_NOT_FOUND', `${what} is not there`)
  throw refused
}
