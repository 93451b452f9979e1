/** No longer is waited because a registry says so. */
export const longestWait: number = 60_000

/**
 * Milliseconds that a Retry-After header asks for (RFC 9110, 10.2.3): seconds, or a date in HTTP's form.
 * undefined for what is neither, and when there is nothing to wait for: the pause is then ours to choose.
 * @param now milliseconds since 1970; the server's own Date when it sent one, so that clocks need not agree
 */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d{1,9}(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000) || undefined
  if (text.length > 64 || !/^[A-Za-z]{3}/.test(text)) return undefined
  const at = Date.parse(text)
  return at > now ? at - now : undefined
}

/** The server's clock by its Date header, else ours. */
export function serverTime(header: string | undefined): number {
  const at = header === undefined || header.length > 64 ? Number.NaN : Date.parse(header)
  return Number.isNaN(at) ? Date.now() : at
}
