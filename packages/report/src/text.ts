import { redact } from '@orch/oci'

// Everything that is shown passes here, so credentials in addresses end here too.
// Control characters, line separators and the marks that reverse text: what could repaint a terminal
// or make a name look like another.
const hidden = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu
const hiddenInBlock = /(?!\t)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu
const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** One line of text from outside, its control characters made visible (`\x1b`, `\n`, `\u202e`). */
export function visible(text: string): string {
  return redact(text).replace(hidden, spelled)
}

/** Text from outside as lines: line breaks and tabs keep their meaning, the rest is made visible. */
export function visibleLines(text: string): string[] {
  return redact(text)
    .split(/\r?\n/)
    .map(line => line.replace(hiddenInBlock, spelled))
}

function spelled(character: string): string {
  const code = character.charCodeAt(0)
  const hex = code.toString(16)
  return short[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex}`)
}

/** The text with its control characters escaped as JSON escapes them, for text that is JSON already. */
export function escapeInJson(json: string): string {
  return redact(json).replace(
    hidden,
    found => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The text in at most `width` characters, the last one `…` when something was cut. */
export function cut(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width
    ? text
    : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}
