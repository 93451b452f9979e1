import { wholeReference } from '@orch/oci'
import type { ResultImage } from './result.ts'

/**
 * The names under which an image is found where it was put, each once, as it was written first; those
 * that it was to get when no export says any.
 */
export function namesOf({ image, exports }: ResultImage): readonly string[] {
  const said = exports.flatMap(({ names }) => names)
  const all = said.length === 0 ? (image?.references ?? []) : said
  const meant = new Map<string, string>()
  for (const name of all) {
    const whole = wholeOf(name)
    if (!meant.has(whole)) meant.set(whole, name)
  }
  return [...meant.values()]
}

/** The text itself when it is no reference: what an exporter calls a name may be any text. */
function wholeOf(text: string): string {
  try {
    return wholeReference(text)
  } catch {
    return text
  }
}
