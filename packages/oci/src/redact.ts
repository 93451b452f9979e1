/**
 * A text without the credentials that addresses in it carry: user and password before the host, and
 * the values of a query string, which may be a signature. Takes time in proportion to the text: no
 * match begins where an earlier one has looked.
 */
export function redact(text: string): string {
  return text
    .replace(/([a-z0-9+.-]:\/\/)[^\s/@]+@/gi, '$1***@')
    .replace(
      /([a-z0-9+.-]:\/\/[^\s?#]+)(\?[^\s"'<>)]+)?/gi,
      (_, address: string, query: string | undefined) =>
        query === undefined ? address : `${address}?***`,
    )
}
