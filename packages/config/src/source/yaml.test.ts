import { OrchError } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { formatPath } from '../problem.ts'
import { readYaml } from './yaml.ts'

function syntaxFault(text: string): string {
  try {
    readYaml(text, 'orch.yaml', {})
  } catch (error) {
    if (error instanceof OrchError) return `${error.code} ${error.message}`
    throw error
  }
  throw new Error('expected an error')
}

function problems(text: string): string[] {
  const source = readYaml(text, 'orch.yaml', {})
  return source.problems.map(({ path, on, position, message }) => {
    const { line, column } = position ?? source.locate(path, on)
    return `${line}:${column} ${formatPath(path)} ${message}`
  })
}

describe('readYaml', () => {
  it('reads YAML 1.2: yes is a string, whatever a directive says', () => {
    const { value } = readYaml('%YAML 1.1\n---\na: yes\nb: 1:30\nc: 2026-01-01\nd: true\n', 'x', {})
    expect(value).toEqual({ a: 'yes', b: '1:30', c: '2026-01-01', d: true })
  })

  it('puts variables into values, not into keys, and keeps them strings', () => {
    const { value, problems } = readYaml(`\${A}: \${A}\nb: ["\${A}"]\n`, 'x', { A: '1' })
    expect(problems).toEqual([])
    expect(value).toEqual({ [`\${A}`]: '1', b: ['1'] })
  })

  it('follows aliases', () => {
    const { value } = readYaml('a: &x {k: [1]}\nb: *x\n', 'x', {})
    expect(value).toEqual({ a: { k: [1] }, b: { k: [1] } })
  })

  it.each([
    [
      'a: [1\nb: 2',
      '2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a: "x', '1:6: Missing closing "quote'],
    ['a:\n\t- b', '2:1: Tabs are not allowed as indentation'],
    ['a: !secret x', '1:4: Unresolved tag: !secret'],
    ['a: 1\n---\nb: 2', '2:1: a second YAML document begins here; expected one'],
  ])('refuses the syntax of %j', (text, message) => {
    expect(syntaxFault(text)).toBe(`CONFIG_INVALID orch.yaml:${message}`)
  })

  it.each([
    ['a: "x', 'Correct the YAML at that place.'],
    ['a: [1\nb: 2', 'Indent what belongs together alike, and close every bracket.'],
    ['a:\n\t- b', 'Indent with spaces.'],
    ['a: b: c', 'Put text with a colon in quotes, and indent what belongs together alike.'],
    ['a: @b', 'Put the text in quotes.'],
    ['a: "\\q"', 'Write \\\\ for a backslash, or put the text in single quotes.'],
    ['a:\n  b: 1\n c: 2', 'Indent what belongs together alike, and close every bracket.'],
  ])('says what to do about %j', (text, hint) => {
    expect(() => readYaml(text, 'orch.yaml', {})).toThrow(expect.objectContaining({ hint }))
  })

  it('says no more than three lines about one broken file', () => {
    expect(syntaxFault('a: [\n}\n]: "\n- {{{\n!x y: : :\n').split('\n').length).toBeLessThanOrEqual(
      3,
    )
  })

  it('refuses nesting that would exhaust the stack', () => {
    expect(syntaxFault('['.repeat(20_000))).toMatch(
      /^CONFIG_INVALID orch.yaml:1:\d+: nests too deep$/,
    )
  })

  it('explains that a variable in a flow list needs quotes', () => {
    expect(() => readYaml(`a: [\${X}]`, 'orch.yaml', { X: '1' })).toThrow(
      expect.objectContaining({ hint: `Inside [ ] and { }, put text with \${…} in quotes.` }),
    )
  })

  it('finds keys that a map may not have, each at its place', () => {
    expect(problems('a: 1\nm:\n  a: 1\n  "a": 2\n? {q: 1}\n: 2\n<<: 3\n__proto__: 4\n')).toEqual([
      '4:3 m.a this key is here twice',
      '5:3  expected a plain key, got a list or a map',
      '7:1 ["<<"] YAML 1.2 has no merge keys',
      '8:1 __proto__ this key is not allowed',
    ])
  })

  it('refuses aliases without an anchor and within their own', () => {
    expect(problems('a: *nope\nb: &x {c: [*x]}\n')).toEqual([
      '1:4 a the alias *nope has no anchor before it',
      '2:12 b.c[0] the alias *x stands inside its own anchor',
    ])
  })

  it('stops at aliases that stand for too much', () => {
    const level = (name: string, of: string): string =>
      `${name}: &${name} [${Array(10).fill(of).join(',')}]\n`
    const bomb = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, at, all) =>
      level(name, at === 0 ? '1' : `*${all[at - 1]}`),
    )
    expect(problems(bomb.join(''))).toEqual(['4:1 d aliases stand for more than 10000 values'])
  })

  it('points at the variable within the text', () => {
    expect(problems(`a:\n  b: "x:\${TAG}"\n  c: |\n    one\n    \${TWO}\n`)).toEqual([
      '2:9 a.b the environment variable TAG is not set',
      '5:5 a.c the environment variable TWO is not set',
    ])
  })
})
