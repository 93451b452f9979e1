import type { Address } from './address.ts'

/** The head of an answer (RFC 9112, 4 and 5) whose body is as long as it says. */
export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly length: number
}

const token = /^[!#$%&'*+.^_`|~\w-]+$/
/** What Node's own client sends as a header's value: a byte for each character, none that ends a line. */
const value = /^[\t\x20-\x7e\x80-\xff]*$/

/** A GET for one connection. Throws `TypeError` when a header cannot be one. */
export function requestHead(
  { url, path }: Address,
  headers: Readonly<Record<string, string>>,
): string {
  if (!/^[\x21-\x7e]+$/.test(path)) throw new TypeError('an address is no request line')
  const lines = Object.entries({ host: url.host, ...headers, connection: 'close' }).map(
    ([name, text]) => {
      if (!token.test(name) || !value.test(text)) throw new TypeError(`${name} is no header`)
      return `${name}: ${text}\r\n`
    },
  )
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Reads the head of an answer, its lines without the empty one. Undefined for all but the plainest. */
export function readHead(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const status = Number(/^HTTP\/1\.[01] ([2-5]\d\d)(?: [^\r\n]*)?$/.exec(first)?.[1])
  if (Number.isNaN(status)) return undefined
  const headers: Record<string, string> = Object.create(null)
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0))
    const text = line.slice(colon + 1)
    if (!token.test(name) || /[\r\n\0]/.test(text)) return undefined
    const key = name.toLowerCase()
    const before = headers[key]
    headers[key] = before === undefined ? trimmed(text) : `${before}, ${trimmed(text)}`
  }
  if (headers['transfer-encoding'] !== undefined || headers['upgrade'] !== undefined)
    return undefined
  const length = status === 204 || status === 304 ? '0' : headers['content-length']
  if (length === undefined || !/^\d{1,15}$/.test(length)) return undefined
  return { status, headers: { ...headers }, length: Number(length) }
}

/** Without the spaces and tabs around it. */
function trimmed(text: string): string {
  const isSpace = (at: number): boolean => text[at] === ' ' || text[at] === '\t'
  let [start, end] = [0, text.length]
  while (start < end && isSpace(start)) start++
  while (end > start && isSpace(end - 1)) end--
  return text.slice(start, end)
}
