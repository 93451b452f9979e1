import { OrchError } from '@orch/oci'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextLink } from './link.ts'
import { addressFrom, sameOrigin, withParameter } from './location.ts'

const asked = 'https://example.com:5000/v2/x/blobs/uploads/'

describe('an address that a registry gives', () => {
  it.each([
    [
      '/v2/x/blobs/uploads/1?_state=a%2fb+c==',
      'https://example.com:5000/v2/x/blobs/uploads/1?_state=a%2fb+c==',
    ],
    ['1?a', 'https://example.com:5000/v2/x/blobs/uploads/1?a'],
    ['?a=b', 'https://example.com:5000/v2/x/blobs/uploads/?a=b'],
    ['//example.com:5000/u', 'https://example.com:5000/u'],
    ["https://example.com:5000/u?a='|{}~", "https://example.com:5000/u?a='|{}~"],
    ['https://example.com/u', 'https://example.com:5000/u'], // lost its port
    ['http://example.com/u', 'https://example.com:5000/u'], // behind a proxy that ends TLS
    ['http://EXAMPLE.com:5000/u', 'https://example.com:5000/u'],
    ['https://example.com:5001/u', 'https://example.com:5001/u'],
    ['https://uploads.example.com/u#x', 'https://uploads.example.com/u'],
  ])('%s leads to %s', (location, address) => {
    expect(addressFrom(location, asked, 'upload')).toBe(address)
  })

  it.each([
    [undefined, 'does not say where'],
    ['', 'does not say where'],
    ['http://other.example/u', 'without TLS'],
    ['http://example.com:5001/u', 'without TLS'],
    ['http://example.com:443/u', 'without TLS'],
    ['ftp://example.com/u', 'no HTTP address'],
    ['file:///etc/passwd', 'no HTTP address'],
    ['https://user:hunter2@example.com/u', 'with credentials'],
    ['/a b', 'no address'],
    ['/a\u0000b', 'no address'],
    ['https://[::1/u', 'no address'],
  ])('%s is refused', (location, why) => {
    const read = (): string => addressFrom(location, asked, 'upload')
    expect(read).toThrow(expect.objectContaining({ code: 'REGISTRY_ANSWER_INVALID' }))
    expect(read).toThrow(why)
    expect(read).not.toThrow('hunter2')
  })

  it('gets its digest without a change of what it had', () => {
    const digest = 'sha256:ab'
    expect(withParameter('https://x/u', 'digest', digest)).toBe('https://x/u?digest=sha256%3Aab')
    expect(withParameter('https://x/u?', 'digest', digest)).toBe('https://x/u?digest=sha256%3Aab')
    expect(withParameter("https://x/u?a='+%2f", 'digest', digest)).toBe(
      "https://x/u?a='+%2f&digest=sha256%3Aab",
    )
  })

  it('is an address on HTTPS without credentials, or an error, whatever it was', () => {
    const pieces = fc.constantFrom(
      'http',
      's',
      ':',
      '/',
      '//',
      '@',
      '?',
      '#',
      '%',
      '\\',
      '.',
      '..',
      ' ',
      '[',
      ']',
      'example.com',
      ':5000',
      'user:pw',
      '\n',
      'é',
      '127.0.0.1',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 12 }).map(parts => parts.join('')),
    )
    fc.assert(
      fc.property(text, location => {
        let address: string
        try {
          address = addressFrom(location, asked, 'upload')
        } catch (error) {
          return error instanceof OrchError && error.code === 'REGISTRY_ANSWER_INVALID'
        }
        const url = new URL(address)
        return url.protocol === 'https:' && url.username === '' && sameOrigin(address, address)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('a Link header', () => {
  it.each([
    ['</a>; rel="next"', '/a'],
    ['</a>;rel=next', '/a'],
    ['</a>; rel="prev", </b>; rel="last next"', '/b'],
    ['</a>; title="x, <y>; rel=next"; REL=NEXT', '/a'],
    ['</a>; title="\\", "; rel="prev", </b>; rel="next"', '/b'],
    ['</a,b>; rel="next"', '/a,b'],
    ['</a>; rel="prev"', undefined],
    ['</a>', undefined],
    ['<', undefined],
    ['>; rel="next"', undefined],
    [undefined, undefined],
  ])('%s leads to %s', (header, target) => {
    expect(nextLink(header)).toBe(target)
  })

  it('never throws, and takes no long time', () => {
    const pieces = fc.constantFrom('<', '>', ';', ',', '"', '\\', 'rel', '=', 'next', ' ', '/a')
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map(parts => parts.join('')),
    )
    fc.assert(
      fc.property(text, header => {
        const target = nextLink(header)
        return target === undefined || header.includes(`<${target}>`)
      }),
      { numRuns: 3000 },
    )
    const start = performance.now()
    for (const piece of ['<', '<>', '<>,', '<>;', '<>"', '<>;rel=']) nextLink(piece.repeat(5000))
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
