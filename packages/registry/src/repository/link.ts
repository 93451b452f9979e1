/**
 * The target of `rel="next"` in a Link header (RFC 8288); undefined when there is none. Never throws,
 * and reads a broken header as far as it makes sense.
 */
export function nextLink(header: string | undefined): string | undefined {
  let rest = header ?? ''
  for (;;) {
    const open = rest.indexOf('<')
    const close = rest.indexOf('>', open)
    if (open === -1 || close === -1) return undefined
    const target = rest.slice(open + 1, close)
    const end = endOfLink(rest, close + 1)
    if (isNext(rest.slice(close + 1, end))) return target
    rest = rest.slice(end + 1)
  }
}

/** The index of the comma after a link's parameters, outside of quotes, or the end. */
function endOfLink(text: string, start: number): number {
  let isQuoted = false
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (isQuoted && char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (char === ',' && !isQuoted) return at
  }
  return text.length
}

function isNext(parameters: string): boolean {
  return parameters.split(';').some(parameter => {
    const [name = '', ...value] = parameter.split('=')
    const relations = value.join('=').trim().replace(/^"|"$/g, '').toLowerCase().split(/\s+/)
    return name.trim().toLowerCase() === 'rel' && relations.includes('next')
  })
}
