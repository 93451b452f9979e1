import { UsageError } from '@orch/oci'

/**
 * Splits text as the go command splits flags: at white space, where a field in '…' or "…" may hold
 * it; there are no escapes. White space within `{{ … }}` does not split. Throws `GO_FLAG_INVALID`.
 * @param what names the text in messages
 */
export function splitQuoted(text: string, what: string): string[] {
  const fields: string[] = []
  const field = /\s*(?:'([^']*)'|"([^"]*)"|((?:\{\{.*?\}\}|[^\s'"])(?:\{\{.*?\}\}|\S)*))(?=\s|$)/gsy
  const end = text.trimEnd().length
  while (field.lastIndex < end) {
    const at = field.lastIndex
    const match = field.exec(text)
    if (match === null) {
      const rest = text.slice(at).trim()
      throw new UsageError('GO_FLAG_INVALID', `${what}: a quote is not closed in ${rest}`)
    }
    fields.push(match[1] ?? match[2] ?? match[3] ?? '')
  }
  return fields
}

/** The text that `splitQuoted` and the go command split into these fields. Throws `GO_FLAG_INVALID`. */
export function joinQuoted(fields: readonly string[], what: string): string {
  const quote = (field: string): string => {
    if (field !== '' && !/[\s'"]/.test(field)) return field
    if (!field.includes("'")) return `'${field}'`
    if (!field.includes('"')) return `"${field}"`
    throw new UsageError('GO_FLAG_INVALID', `${what}: ${field} holds both kinds of quotes`, {
      hint: 'The go command has no escapes: leave out one kind.',
    })
  }
  return fields.map(quote).join(' ')
}
