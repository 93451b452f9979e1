import { UsageError } from '@orch/oci'

/** An exporter and its options as text gives them: every value is a string. */
export interface ExportText {
  readonly exporter: string
  readonly options: Readonly<Record<string, string>>
}

/**
 * Reads `name[,key=value…]`. A field or a value may stand in double quotes to hold commas, `""` in it
 * is one quote; a value may hold `=`. Throws `EXPORT_INVALID`.
 */
export function parseExport(text: string): ExportText {
  const { first: exporter, options } = readFields(text)
  if (exporter === '') fail(text, 'it names no exporter')
  if (exporter.includes('=')) fail(text, 'it begins with an option; expected the exporter first')
  return { exporter, options }
}

/** What stands before the first comma, and the options behind it. Throws `EXPORT_INVALID`. */
export function readFields(text: string): {
  readonly first: string
  readonly options: ExportText['options']
} {
  const [first = '', ...rest] = splitFields(text)
  const options = new Map<string, string>()
  for (const [index, field] of rest.entries()) {
    const at = field.indexOf('=')
    const key = field.slice(0, Math.max(at, 0)).trim()
    if (key === '')
      fail(text, `expected key=value, got ${JSON.stringify(field)}`, commaHint(first, rest, index))
    if (options.has(key)) fail(text, `the option ${key} is there twice`)
    options.set(key, field.slice(at + 1))
  }
  return { first: first.trim(), options: Object.fromEntries(options) }
}

function splitFields(text: string): string[] {
  const fields = ['']
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character === '"' && quoted && text.charAt(at + 1) === '"') {
      fields[fields.length - 1] += '"'
      at += 1
    } else if (character === '"') quoted = !quoted
    else if (character === ',' && !quoted) fields.push('')
    else fields[fields.length - 1] += character
  }
  if (quoted) fail(text, 'a double quote is not closed')
  return fields
}

const formHint = 'Write name[,key=value…], such as oci-archive,dest=image.tar.'

/** How to write what lies around the field at `at`: most often that is the rest of a list. */
function commaHint(first: string, fields: readonly string[], at: number): string {
  if (first === '' || fields[at] === '') return formHint
  if (at === 0) return `Write ${first}[,key=value…].`
  const next = fields.findIndex((field, index) => index > at && field.includes('='))
  const list = fields.slice(at - 1, next === -1 ? undefined : next).join(',')
  return `A field that holds commas stands in double quotes, and the whole in single ones for the shell: '${first},"${list}"'.`
}

function fail(text: string, why: string, hint: string = formHint): never {
  throw new UsageError('EXPORT_INVALID', `${JSON.stringify(text)} is not an export: ${why}`, {
    hint,
  })
}
