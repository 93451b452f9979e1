import type { Scope } from '../auth/scope.ts'
import type { RegistryResponse, Transport } from '../transport/types.ts'
import { brokenAnswer } from './answer.ts'
import { askWhole } from './ask-whole.ts'
import type { RegistryContext } from './context.ts'
import { nextLink } from './link.ts'
import { addressFrom, sameOrigin } from './location.ts'

/** Pages of one list that are read. */
const maxPages = 2_000

/** One list that a registry gives page by page. */
export interface Listing {
  readonly target: string
  readonly scopes: readonly Scope[]
  readonly headers?: Readonly<Record<string, string>>
  /** For messages. */
  readonly what: string
  /** The largest page that is read, bytes. */
  readonly maxBytes: number
}

/** One page: bytes when it was a success, else an answer whose body is yet to be read. */
export interface Page {
  readonly response: RegistryResponse
  readonly bytes: Uint8Array
}

/**
 * The pages of a list, as their Link headers chain them. Ends after an answer without success. Throws
 * `REGISTRY_ANSWER_INVALID` when the next page is on another host or was there before, and after 2,000 pages.
 */
export async function* pages(
  { transport, domain }: RegistryContext,
  { target, scopes, headers, what, maxBytes }: Listing,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page, void, undefined> {
  const seen = new Set<string>()
  for (let next: string | undefined = target; next !== undefined; ) {
    if (seen.size === maxPages) throw brokenAnswer(what, `there are more than ${maxPages} pages`)
    const request = {
      domain,
      method: 'GET',
      target: next,
      scopes,
      headers: headers ?? {},
      signal,
    } as const
    const page = await askWhole(() => transport.request(request), what, maxBytes, signal)
    yield page
    if (page.response.status !== 200) return
    seen.add(next)
    next = nextPage(page.response, what, transport)
    if (next !== undefined && seen.has(next))
      throw brokenAnswer(what, 'the registry gives the same page again and again')
  }
}

function nextPage(
  { headers, url }: RegistryResponse,
  what: string,
  { hide }: Transport,
): string | undefined {
  const link = nextLink(headers['link'])
  if (link === undefined) return undefined
  const next = addressFrom(link, url, what, hide)
  if (!sameOrigin(next, url)) throw brokenAnswer(what, 'the next page is on another host')
  return next
}
