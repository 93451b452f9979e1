import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, checkFieldNames, encodeJson, parseJson, parseJsonObject } from './json.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const parse = (text: string): unknown => parseJson(bytes(text), 'document')
const MiB = 1024 * 1024

describe('JSON from outside', () => {
  it('is read as JSON.parse reads it, whatever the value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.boolean(), (text, spaced) => {
        const given = spaced ? JSON.stringify(JSON.parse(text), undefined, 3) : text
        expect(parse(given)).toEqual(JSON.parse(text))
      }),
    )
  })

  it.each([
    ['at the top', '{"a":1,"a":2}'],
    ['nested', '{"x":{"a":1,"b":{},"a":2}}'],
    ['in an object of a list', '[{"a":1},{"b":[{"c":1,"c":1}]}]'],
    ['with space before the colon', '{"a" :1,"a"\n\t: 2}'],
    ['written with an escape', '{"a":1,"\\u0061":2}'],
    ['that hold quotes', '{"\\"":1,"\\u0022":2}'],
    ['after nested values', '{"a":{"a":[{"a":1}]},"b":"}","a":2}'],
    ['of the prototype', '{"__proto__":1,"__proto__":2}'],
  ])('is refused for two equal keys %s', (_where, text) => {
    expect(() => parse(text)).toThrow(/twice/)
  })

  it.each([
    ['two objects', '[{"a":1},{"a":2}]'],
    ['an object in its own key', '{"a":{"a":{"a":1}}}'],
    ['strings that look like keys', '{"a":"\\"a\\":1","b":"{\\"a\\":1,\\"a\\":2}"}'],
    ['list items', '{"a":["a","a","b"]}'],
    ['keys that differ in case', '{"a":1,"A":2}'],
    ['a backslash before the closing quote', '{"a\\\\":1,"a":2}'],
  ])('may name a key again in %s', (_where, text) => {
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  it('keeps a key named __proto__ a plain key', () => {
    const value = parse('{"__proto__":{"polluted":true}}')
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  it.each([
    ['truncated', '{"a":1'],
    ['with a trailing comma', '{"a":1,}'],
    ['with two values', '{} {}'],
    ['empty', ''],
    ['with a raw newline in a string', '"a\nb"'],
    ['of closing brackets alone', '}}]]'],
    ['behind a byte order mark', '\ufeff{}'],
  ])('is refused when it is %s', (_how, text) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'JSON_INVALID',
        message: expect.stringContaining('document'),
      }),
    )
  })

  it('is refused when it is not UTF-8', () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 'config x')).toThrow(
      'config x is not UTF-8',
    )
    const surrogate = Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)
    expect(() => parseJson(surrogate, 'config x')).toThrow('config x is not UTF-8')
  })

  it('may hold a lone surrogate in a value, but not in a key, where readers would see different keys', () => {
    expect(parse('"\\ud800"')).toBe('\ud800')
    expect(() => parse('{"\\ud800":1,"\\ufffd":2}')).toThrow('not Unicode text')
  })

  it('may nest 128 levels and no more', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(() => parse(nested(128))).not.toThrow()
    expect(() => parse(nested(129))).toThrow('nests deeper than 128')
    expect(() => parse('['.repeat(4 * MiB))).toThrow('nests deeper than 128')
  })

  it('may have the size of the limit and no more', () => {
    const ofSize = (size: number): string => JSON.stringify('x'.repeat(size - 2))
    expect(parse(ofSize(4 * MiB))).toHaveLength(4 * MiB - 2)
    expect(() => parse(ofSize(4 * MiB + 1))).toThrow(`the limit is ${4 * MiB}`)
    expect(() => parseJson(bytes('[1,2]'), 'x', 4)).toThrow('x is 5 bytes; the limit is 4')
  })

  it.each([
    ['one long string', `{"a":"${'x'.repeat(4 * MiB - 100)}"}`],
    ['a string of backslashes', `["${'\\\\'.repeat(2 * MiB - 100)}"]`],
    ['an unterminated string', `{"a":"${'x'.repeat(4 * MiB - 100)}`],
    ['an unterminated string of escaped quotes', `"${'\\"'.repeat(2 * MiB - 100)}`],
    ['quotes alone', '"'.repeat(4 * MiB)],
    ['backslashes alone', '\\'.repeat(4 * MiB)],
    ['space after each of many strings', `{${'"a"        '.repeat(300_000)}`],
    [
      'many keys',
      JSON.stringify(Object.fromEntries(Array.from({ length: 2e5 }, (_, i) => [i, i]))),
    ],
  ])('takes linear time for %s', (_what, text) => {
    const start = performance.now()
    try {
      parse(text)
    } catch (error) {
      expect(error).toMatchObject({ code: 'JSON_INVALID' })
    }
    expect(performance.now() - start).toBeLessThan(10_000) // quadratic time would be minutes
  })

  it.each(['[]', 'null', '"x"', '1'])('is no document when it is %s', text => {
    expect(() => parseJsonObject(bytes(text), 'manifest x')).toThrow(
      'manifest x is not a JSON object',
    )
  })
})

describe('field names', () => {
  it.each(['mediatype', 'MEDIATYPE', 'MediaType'])(
    'refuses %s, which other readers take for mediaType',
    key => {
      expect(() => checkFieldNames({ [key]: 'x' }, ['mediaType'], 'manifest')).toThrow(
        expect.objectContaining({ code: 'DOCUMENT_AMBIGUOUS' }),
      )
    },
  )

  it('refuses letters that Unicode folds into ASCII, as Go does', () => {
    expect(() => checkFieldNames({ 'manife\u017fts': [] }, ['manifests'], 'index')).toThrow(
      'manifests',
    )
    expect(() => checkFieldNames({ '\u212aind': 1 }, ['kind'], 'x')).toThrow('kind')
  })

  it('lets the exact names and all others pass', () => {
    expect(() =>
      checkFieldNames({ mediaType: 'x', media_type: 1, '': 2 }, ['mediaType'], 'x'),
    ).not.toThrow()
  })
})

describe('JSON that we make', () => {
  it('keeps the order of the keys, leaves out what is undefined, and is UTF-8', () => {
    expect(Buffer.from(encodeJson({ b: 'ü', a: undefined, c: [1] })).toString()).toBe(
      '{"b":"ü","c":[1]}',
    )
  })

  it('has one canonical text for equal values', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 8 }), record => {
        const reversed = Object.fromEntries(Object.entries(record).reverse())
        expect(canonicalJson([{ inner: reversed }])).toBe(canonicalJson([{ inner: record }]))
        expect(JSON.parse(canonicalJson(record))).toEqual(JSON.parse(JSON.stringify(record)))
      }),
    )
  })
})
