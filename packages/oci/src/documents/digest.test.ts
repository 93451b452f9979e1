import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Digester, digestOf, digestParts, isDigest, parseDigest } from './digest.ts'

const hex64 = '0123456789abcdef'.repeat(4)
const parses = (text: string): boolean => {
  try {
    return parseDigest(text) === text
  } catch (error) {
    expect(error).toMatchObject({ code: 'DIGEST_INVALID' })
    return false
  }
}

describe('a digest', () => {
  it('is an algorithm and its hex', () => {
    expect(parses(`sha256:${hex64}`)).toBe(true)
    expect(parses(`sha512:${hex64}${hex64}`)).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['no algorithm', hex64],
    ['an empty algorithm', `:${hex64}`],
    ['no hex', 'sha256:'],
    ['a path for hex', `sha256:${'../'.repeat(21)}x`],
    ['a path for the algorithm', `../../etc/passwd:${hex64}`],
    ['upper-case hex', `sha256:${hex64.toUpperCase()}`],
    ['an upper-case algorithm', `SHA256:${hex64}`],
    ['63 digits', `sha256:${hex64.slice(1)}`],
    ['65 digits', `sha256:${hex64}0`],
    ['the length of sha512', `sha256:${hex64}${hex64}`],
    ['sha512 with the length of sha256', `sha512:${hex64}`],
    ['an algorithm that is not accepted', `md5:${'0'.repeat(32)}`],
    ['sha384', `sha384:${'0'.repeat(96)}`],
    ['a name every object has', `constructor:${hex64}`],
    ['a third part', `sha256:${hex64}:${hex64}`],
    ['a newline at the end', `sha256:${hex64}\n`],
    ['a line before it', `x\nsha256:${hex64}`],
    ['space', ` sha256:${hex64}`],
    ['digits of another script', `sha256:${'\u0660'.repeat(64)}`],
  ])('is refused with %s', (_what, text) => {
    expect(parses(text)).toBe(false)
    expect(isDigest(text)).toBe(false)
  })

  it('has one grammar, whoever asks', () => {
    const algorithm = fc.constantFrom('sha256', 'sha512', 'sha384', 'SHA256', '')
    const hex = fc.string({
      unit: fc.constantFrom(...'0123456789abcdefA:/.g\n'),
      minLength: 62,
      maxLength: 130,
    })
    const goodHex = fc.string({
      unit: fc.constantFrom(...'0123456789abcdef'),
      minLength: 63,
      maxLength: 65,
    })
    fc.assert(
      fc.property(algorithm, fc.oneof(hex, goodHex), (before, after) => {
        const text = `${before}:${after}`
        expect(isDigest(text)).toBe(parses(text))
      }),
    )
  })

  it('does not put a hostile text whole into its message', () => {
    expect(() => parseDigest('x'.repeat(1e6))).toThrow(/^.{0,400}$/)
  })

  it('comes apart into algorithm and hex', () => {
    expect(digestParts(parseDigest(`sha256:${hex64}`))).toEqual({ algorithm: 'sha256', hex: hex64 })
  })
})

describe('hashing', () => {
  it('knows the answers of FIPS 180-4', () => {
    expect(digestOf('abc')).toBe(
      'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
    expect(digestOf('')).toBe(
      'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    expect(digestOf('abc', 'sha512')).toMatch(/^sha512:ddaf35a193617aba.*a54ca49f$/)
  })

  it('comes to the same in pieces, and counts', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 99 })), chunks => {
        const digester = new Digester('sha512')
        for (const chunk of chunks) digester.update(chunk)
        const all = Buffer.concat(chunks)
        expect(digester.size).toBe(all.byteLength)
        expect(digester.digest()).toBe(`sha512:${createHash('sha512').update(all).digest('hex')}`)
      }),
    )
  })
})
