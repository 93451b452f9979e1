import { describe, expect, it } from 'vitest'
import { joinQuoted, splitQuoted, splitTemplates } from './quoted.ts'

describe('flags in one text', () => {
  it.each([
    ['-s -w', ['-s', '-w']],
    ["  -X 'main.v=a b'\t-s ", ['-X', 'main.v=a b', '-s']],
    ['-X "it\'s"', ['-X', "it's"]],
    ["-X=a'b'c", ["-X=a'b'c"]],
    ['a\u00a0b\u2028c\fd \u00a0', ['a\u00a0b\u2028c\fd', '\u00a0']],
    ['{{ -a }}', ['{{', '-a', '}}']],
    ["''", ['']],
    ['', []],
  ])('%j are split as the go command does', (text, fields) => {
    expect(splitQuoted(text, 'ldflags')).toEqual(fields)
  })

  it('are not split within a template, before it is expanded', () => {
    const fields = ['-X', 'main.v={{ .Git.Tag }}-{{.Date}}']
    expect(splitTemplates(fields.join(' '), 'ldflags')).toEqual(fields)
  })

  it.each(['"-s', "-X 'a", "'a'b"])('%j with an open quote are refused', text => {
    expect(() => splitQuoted(text, 'ldflags')).toThrow(/ldflags: a quote is not closed in/)
  })

  it('are joined so that they split into the same fields', () => {
    const fields = ['-s', 'a b', "it's", '', 'say "x"']
    expect(splitQuoted(joinQuoted(fields, 'x'), 'x')).toEqual(fields)
    expect(() => joinQuoted([`'"`], 'x')).toThrow(/both kinds of quotes/)
  })
})
