import type { Output } from '../style.ts'
import { escapeInJson } from '../text.ts'
import type { Reporter } from './reporter.ts'

/** Every event as one line of JSON, for programs. */
export function rawJsonReporter(stream: Output): Reporter {
  return {
    listener: event => void stream.write(`${escapeInJson(JSON.stringify(event))}\n`),
    close() {},
  }
}
