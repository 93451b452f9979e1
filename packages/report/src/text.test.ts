import { expect, it } from 'vitest'
import { cut, escapeInJson, visible, visibleLines } from './text.ts'

it('makes escape sequences, line breaks and text-reversing marks visible', () => {
  expect(visible('a\u001b[31mb\u009b0m\nc\u202ed\u2028\u007f')).toBe(
    'a\\x1b[31mb\\x9b0m\\nc\\u202ed\\u2028\\x7f',
  )
})

it('leaves letters of every language alone', () => {
  expect(visible('naïve 名前 🚀')).toBe('naïve 名前 🚀')
})

it('keeps lines and tabs of a block', () => {
  expect(visibleLines('a\tb\r\nc\u0007\rd')).toEqual(['a\tb', 'c\\x07\\rd'])
})

it('escapes within JSON so that it reads back the same', () => {
  const value = { name: 'a\u009b\u202eb\u007f\n' }
  const json = escapeInJson(JSON.stringify(value))
  expect(json).toMatch(/^[ -~]*$/)
  expect(JSON.parse(json)).toEqual(value)
})

it('cuts what is too long, whole characters at a time', () => {
  expect([cut('abcd', 4), cut('abcde', 4), cut('🚀🚀🚀', 2)]).toEqual(['abcd', 'abc…', '🚀…'])
})
