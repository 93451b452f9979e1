import { UsageError } from '@orch/oci'

/** A field and the white space before it; white space is what the go command takes for it, and no more. */
const plainField = /[ \t\n\r]*(?:'([^']*)'|"([^"]*)"|([^ \t\n\r'"][^ \t\n\r]*))(?=[ \t\n\r]|$)/sy
const templateField =
  /[ \t\n\r]*(?:'([^']*)'|"([^"]*)"|((?:\{\{.*?\}\}|[^ \t\n\r'"])(?:\{\{.*?\}\}|[^ \t\n\r])*))(?=[ \t\n\r]|$)/sy

/**
 * Splits text as the go command splits flags (cmd/internal/quoted): at spaces, tabs and line ends, where
 * a field in '…' or "…" may hold them; there are no escapes. Throws `GO_FLAG_INVALID`.
 * @param what names the text in messages
 */
export function splitQuoted(text: string, what: string): string[] {
  return split(text, plainField, what)
}

/** As `splitQuoted`, but white space within `{{ … }}` does not split: for text not yet expanded. */
export function splitTemplates(text: string, what: string): string[] {
  return split(text, templateField, what)
}

function split(text: string, pattern: RegExp, what: string): string[] {
  const fields: string[] = []
  const field = new RegExp(pattern)
  const end = text.replace(/[ \t\n\r]+$/, '').length
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
    // A quote counts only where a field begins.
    if (field !== '' && !/[ \t\n\r]|^['"]/.test(field)) return field
    if (!field.includes("'")) return `'${field}'`
    if (!field.includes('"')) return `"${field}"`
    throw new UsageError('GO_FLAG_INVALID', `${what}: ${field} holds both kinds of quotes`, {
      hint: 'The go command has no escapes: leave out one kind.',
    })
  }
  return fields.map(quote).join(' ')
}
