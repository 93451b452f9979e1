import { describe, expect, it } from 'vitest'
import { interpolate } from './interpolate.ts'

const env = { NAME: 'api', EMPTY: '', OTHER: `\${NAME}` }

describe('interpolate', () => {
  it.each([
    [`\${NAME}`, 'api'],
    [`x-\${NAME}:\${NAME}`, 'x-api:api'],
    [`\${EMPTY}`, ''],
    [`\${EMPTY:-d}`, 'd'],
    [`\${NONE:-a:-b c}`, 'a:-b c'],
    [`\${NONE:-}`, ''],
    [`$\${NAME}`, `\${NAME}`],
    [`$NAME $ {NAME} {{.Env.NAME}}`, '$NAME $ {NAME} {{.Env.NAME}}'],
    [`\${OTHER}`, `\${NAME}`],
  ])('%s becomes %s', (text, expected) => {
    expect(interpolate(text, env)).toEqual({ text: expected, faults: [] })
  })

  it.each([
    [`a\${NONE}`, `\${NONE}`, 'the environment variable NONE is not set'],
    [`a\${NAME`, `\${NAME`, `\${ is not closed by }`],
    [`\${}`, `\${}`, `\${} names no variable`],
    [`\${a-b}`, `\${a-b}`, `\${a-b} names no variable`],
  ])('finds fault with %s and leaves it', (text, found, message) => {
    const result = interpolate(text, env)
    expect(result.text).toBe(text)
    expect(result.faults).toEqual([expect.objectContaining({ found, message })])
  })

  it('names the variable that may have been meant', () => {
    expect(interpolate(`\${NAEM}`, env).faults[0]?.hint).toBe(
      `Did you mean "NAME"? Set it, or give a default: \${NAEM:-default}.`,
    )
    expect(interpolate(`\${VERSION}`, env).faults[0]?.hint).toBe(
      `Set it, or give a default: \${VERSION:-default}.`,
    )
  })

  it('guesses no name that is only somewhat alike', () => {
    const { faults } = interpolate(`\${VERSION}`, { SECTION: '1', VERBOSE: '1' })
    expect(faults[0]?.hint).toBe(`Set it, or give a default: \${VERSION:-default}.`)
  })
})
