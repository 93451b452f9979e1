/** An address as a registry wrote it. `path` is what stood there, query included, never encoded anew. */
export interface Address {
  readonly url: URL
  readonly path: string
}

/**
 * Reads an address of the web, or one relative to another. Its user, password and fragment are left out.
 * Registries keep signatures and states in their queries, which must come back byte for byte, and a URL
 * object would change some of them. Never throws.
 * @returns undefined for what is no http or https address
 */
export function readAddress(text: string, base?: URL): Address | undefined {
  if (text.length > 16 * 1024 || !isPrintable(text) || !URL.canParse(text, base?.href))
    return undefined
  const url = new URL(text, base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  url.username = ''
  url.password = ''
  url.hash = ''
  const raw =
    /^(?:https?:)?\/\/[^/?#\\]+(\/[^#\\]*)?/i.exec(text) ?? /^(\/(?![/\\])[^#\\]*)/.exec(text)
  const path = raw?.[1]
  // A path with dot segments, and one that is relative, is what the URL makes of it.
  const isPlain =
    path !== undefined && !/(?:^|\/)(?:\.|%2e){1,2}(?:[/?]|$)/i.test(path.split('?')[0] ?? '')
  return { url, path: isPlain ? path : `${url.pathname}${url.search}` }
}

/**
 * What an address that a registry gives means for TLS. A registry that does not know of the proxy before
 * it names itself without TLS (`lost`): without a port, or with the one that it is reached at. It is then
 * asked with TLS. Any other address without TLS, such as another port of the same host, is `refused`.
 * @param origin where the registry is asked
 */
export function tlsOf(url: URL, origin: URL): 'kept' | 'lost' | 'refused' {
  if (origin.protocol !== 'https:' || url.protocol === 'https:') return 'kept'
  const isOwnPort = url.port === '' || url.port === (origin.port || '443')
  return url.hostname === origin.hostname && isOwnPort ? 'lost' : 'refused'
}

/** Only what an HTTP request line can carry. */
function isPrintable(text: string): boolean {
  return /^[\x21-\x7e\x80-\xff]+$/.test(text)
}
