import type { TokenAnswer, TokenRequest } from '../auth/token.ts'
import { readSmall } from './bodies.ts'
import type { Sending } from './follow.ts'
import { ExchangeFault, type Followed } from './follow.ts'

/** Sends requests to token servers, redirects and retries dealt with by `send`. */
export function createTokenSender(
  userAgent: string,
  signal: AbortSignal | undefined,
  send: (sending: Sending) => Promise<Followed>,
): (request: TokenRequest) => Promise<TokenAnswer> {
  return async ({ host, method, url, headers, form }) => {
    const { authorization, ...rest } = headers
    const content = form === undefined ? undefined : Buffer.from(form)
    const sending: Sending = {
      host,
      method,
      address: { url, path: `${url.pathname}${url.search}` },
      headers: { ...rest, 'user-agent': userAgent, accept: 'application/json' },
      authorization,
      body: content && { length: content.length, open: () => content },
      // A token serves all requests: none of them takes it from the others.
      signal,
    }
    const response = await send(sending).catch(plainly)
    return { status: response.status, bytes: await readSmall(response.body) }
  }
}

/** Throws what a person should see of a failure. */
function plainly(error: unknown): never {
  throw error instanceof ExchangeFault ? error.error : error
}
