import { OrchError, type OrchErrorOptions, shown } from '@orch/oci'
import type { Asking, Authorizer } from '../auth/authorizer.ts'
import type { Keychain } from '../auth/keychain.ts'
import { untoldHint } from '../auth/realm.ts'
import type { Secrets } from '../auth/secrets.ts'
import { problemsOf, wordsOf } from '../problems.ts'
import { readSmall } from './bodies.ts'
import type { Followed } from './follow.ts'
import { longestWait, retryAfter, serverTime } from './retry-after.ts'
import type { RegistryRequest } from './types.ts'

export interface FailureContext {
  readonly authorizer: Authorizer
  readonly keychain: Keychain
  readonly secrets: Secrets
}

/** A registry in trouble, which may say when to come again. */
export class BrokenError extends OrchError {
  /** Milliseconds until it wants to be asked again; 0 when it does not say. */
  readonly wait: number

  constructor(message: string, wait: number, options: OrchErrorOptions) {
    super('REGISTRY_BROKEN', message, options)
    this.wait = wait
  }
}

const refusals = new Set([401, 403, 408, 429])

/**
 * The error that an answer is, or undefined for one that the caller deals with: 401 and 403 are
 * `REGISTRY_DENIED`, 429 is `REGISTRY_BUSY`, 408 and 5xx are `REGISTRY_BROKEN`.
 */
export async function failureOf(
  response: Followed,
  request: RegistryRequest,
  asking: Asking,
  context: FailureContext,
): Promise<OrchError | undefined> {
  const { status, address } = response
  if (status < 500 && !refusals.has(status)) return undefined
  const { host } = asking
  const bytes = await readSmall(response.body, 'cut').catch(() => new Uint8Array())
  const words = wordsOf(problemsOf(bytes), context.secrets.hide)
  const path = shown(context.secrets.hide(request.target)).slice(1, -1)
  const what = `${request.method} ${path}`
  const isOwn = address.url.origin === host.origin.origin
  const who = isOwn ? host.domain : `${address.url.host}, to which ${host.domain} sends,`
  const wait = retryAfter(response.headers['retry-after'], serverTime(response.headers['date']))
  if (status === 429) {
    const when = wait === undefined ? '' : `; it asks to wait ${Math.ceil(wait / 1000)} s`
    return new OrchError(
      'REGISTRY_BUSY',
      `${who} takes no more requests for now (${what})${when}${words}`,
      {
        hint: 'Try again later, or log in: registries allow more to accounts.',
      },
    )
  }
  if (status === 408 || status >= 500) {
    const message = `${who} answered ${what} with HTTP ${status}${words}`
    return new BrokenError(message, Math.min(wait ?? 0, longestWait), {
      hint: 'Try again later; if it stays, ask whoever runs the registry.',
    })
  }
  const message = `${who} refused ${what} (HTTP ${status})${words}`
  return new OrchError('REGISTRY_DENIED', message, { hint: await hintOf(asking, isOwn, context) })
}

/** Where credentials were looked for, and what became of them. */
async function hintOf(
  asking: Asking,
  isOwn: boolean,
  { authorizer, keychain }: FailureContext,
): Promise<string> {
  const { host } = asking
  if (!isOwn) return 'Credentials are never sent to another host; ask whoever runs the registry.'
  const { found, untold } = await authorizer.account(asking)
  if (untold !== undefined) {
    return untoldHint(host, untold)
  }
  return found === undefined
    ? `Log in with docker login ${host.domain}; no credentials for it were found in ${keychain.places.join(', ')}.`
    : `The credentials of ${host.domain} came from ${found.origin}; check that they hold and allow this.`
}
