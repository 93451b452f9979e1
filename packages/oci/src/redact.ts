/**
 * A text without the credentials that addresses in it carry: user and password before the host, and
 * the values of a query string, which may be a signature.
 */
export function redact(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@')
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s?#]+\?)[^\s"'<>)]+/gi, '$1***')
}
