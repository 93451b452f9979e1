/** One challenge of a WWW-Authenticate header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower-case: `bearer`, `basic`, or what else a server says. */
  readonly scheme: string
  /** Names lower-case, quotes taken off. The first of a name counts. */
  readonly parameters: ReadonlyMap<string, string>
}

const maxLength = 16 * 1024
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const space = /[ \t,]*/y
const schemeGrammar = new RegExp(`(${token})(?=[ \\t,]|$)`, 'y')
const parameterGrammar = new RegExp(
  `[ \\t]*(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\[\\s\\S])*)"|([^\\s,"=][^\\s,"]*|))(?=[ \\t,]|$)`,
  'y',
)

/**
 * Reads a header with any number of challenges; several headers come joined by `, `. What cannot be
 * read is passed over up to the next comma, so garbage yields fewer challenges and never an error.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, maxLength)
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  let at = 0
  const take = (grammar: RegExp): RegExpExecArray | null => {
    grammar.lastIndex = at
    const match = grammar.exec(text)
    if (match !== null) at = grammar.lastIndex
    return match
  }
  for (;;) {
    take(space)
    if (at >= text.length) return challenges
    const parameters = challenges.at(-1)?.parameters
    const pair = parameters === undefined ? null : take(parameterGrammar)
    if (pair !== null) {
      const name = (pair[1] ?? '').toLowerCase()
      const value = pair[2]?.replace(/\\([\s\S])/g, '$1') ?? pair[3] ?? ''
      if (parameters !== undefined && !parameters.has(name)) parameters.set(name, value)
      continue
    }
    const scheme = take(schemeGrammar)?.[1]
    if (scheme !== undefined)
      challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    else at = afterComma(text, at)
  }
}

function afterComma(text: string, from: number): number {
  const comma = text.indexOf(',', from)
  return comma === -1 ? text.length : comma + 1
}
