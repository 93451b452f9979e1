import { type Document, LineCounter, parseDocument } from 'yaml'
import { configError, type Position, type Problem, type Source } from '../problem.ts'
import type { Environment } from './interpolate.ts'
import { YamlReader } from './yaml-reader.ts'

const start: Position = { line: 1, column: 1 }

/**
 * Reads a YAML 1.2 project file: variables put in, aliases followed. Throws `CONFIG_INVALID` for bad
 * syntax; what is wrong beyond syntax is in `problems`, and the value holds the rest.
 */
export function readYaml(text: string, name: string, env: Environment): Source {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    resolveKnownTags: false,
    schema: 'core',
  })
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return line === 0 ? start : { line, column: col }
  }
  checkSyntax(document, name, text, position)
  const reader = new YamlReader(document, text, env, position)
  const value = reader.read(document.contents, [])
  return {
    name,
    value,
    problems: reader.problems,
    locate: (path, on) => reader.locate(path, on),
    textOf: path => reader.textOf(path),
  }
}

function checkSyntax(
  document: Document.Parsed,
  name: string,
  text: string,
  position: (offset: number) => Position,
): void {
  const faults = [...document.errors, ...document.warnings]
  // One mistake brings many errors after it: the first of each line will do, and a few lines.
  const byLine = new Map<number, Problem>()
  for (const { code, message, pos } of faults) {
    const at = position(pos[0])
    if (byLine.has(at.line) || byLine.size === 3) continue
    const line = text.split('\n')[at.line - 1] ?? ''
    const variable = code === 'MISSING_CHAR' && line.includes('${')
    const hint = syntaxHints[code] ?? 'Correct the YAML at that place.'
    byLine.set(at.line, {
      path: [],
      on: 'value',
      position: at,
      message: syntaxMessages[code] ?? message,
      hint: variable ? `Inside [ ] and { }, put text with \${…} in quotes.` : hint,
    })
    if (code === 'RESOURCE_EXHAUSTION') break
  }
  if (byLine.size > 0) {
    throw configError({ name, locate: () => start, textOf: () => undefined }, [...byLine.values()])
  }
}

const syntaxMessages: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second YAML document begins here; expected one',
  RESOURCE_EXHAUSTION: 'nests too deep',
}

const syntaxHints: Readonly<Record<string, string>> = {
  BAD_DQ_ESCAPE: 'Write \\\\ for a backslash, or put the text in single quotes.',
  BAD_INDENT: 'Indent what belongs together alike, and close every bracket.',
  BAD_SCALAR_START: 'Put the text in quotes.',
  BLOCK_AS_IMPLICIT_KEY: 'Put text with a colon in quotes, and indent what belongs together alike.',
  MULTIPLE_DOCS: 'Write each project in a file of its own.',
  TAB_AS_INDENT: 'Indent with spaces.',
  TAG_RESOLVE_FAILED: 'Leave the tag out, or put text that begins with ! in quotes.',
}
