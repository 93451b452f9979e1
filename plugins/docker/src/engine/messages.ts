import { type JsonObject, messageOf, parseJsonObject, shown } from '@orch/oci'
import { BadAnswer, CutOff } from './errors.ts'

/** The longest message that is taken: the engine's own are a few hundred bytes. */
const maxMessage = 1024 * 1024

const blank = new Set(' \t\r\n'.split('').map(char => char.charCodeAt(0)))
const quote = 0x22
const backslash = 0x5c
const open = 0x7b
const close = 0x7d

/**
 * The JSON objects of a stream, one after another with or without blanks between, wherever the stream
 * is split. Looks at bytes, of which none inside a character of UTF-8 is a sign of JSON. Throws
 * `BadAnswer` for what is none or is too long, `CutOff`, and what the stream throws.
 */
export async function* jsonMessages(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<JsonObject, void, undefined> {
  let parts: Uint8Array[] = []
  let size = 0
  let depth = 0
  let inText = false
  let escaped = false
  for await (const chunk of stream) {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (inText) {
        if (escaped) escaped = false
        else if (byte === backslash) escaped = true
        else if (byte === quote) inText = false
      } else if (depth === 0 && byte !== open) {
        if (!blank.has(byte)) throw new BadAnswer(notJson(chunk.subarray(at)))
        start = at + 1
      } else if (byte === quote) inText = true
      else if (byte === open) depth += 1
      else if (byte === close && --depth === 0) {
        parts.push(chunk.subarray(start, at + 1))
        start = at + 1
        yield parsed(Buffer.concat(parts))
        parts = []
        size = 0
      }
    }
    if (start === chunk.length) continue
    parts.push(chunk.slice(start))
    size += chunk.length - start
    if (size > maxMessage) throw new BadAnswer(`a message of more than ${maxMessage} bytes`)
  }
  if (depth > 0)
    throw new CutOff(`its answer ends within a message: ${begin(Buffer.concat(parts))}`)
}

function parsed(bytes: Buffer): JsonObject {
  try {
    return parseJsonObject(bytes, 'a message', maxMessage)
  } catch (cause) {
    throw new BadAnswer(`what is no JSON: ${begin(bytes)} (${messageOf(cause)})`, { cause })
  }
}

function notJson(bytes: Uint8Array): string {
  return `what is no JSON: ${begin(bytes)}`
}

function begin(bytes: Uint8Array): string {
  return shown(Buffer.from(bytes.subarray(0, 100)).toString('utf8'))
}
