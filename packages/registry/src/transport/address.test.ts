import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anyText } from '../test-text.ts'
import { readAddress, tlsOf } from './address.ts'

const base = new URL('https://registry.example:5000/v2/team/x/blobs/uploads/')
const read = (text: string): string | undefined => {
  const address = readAddress(text, base)
  return address && `${address.url.origin} ${address.path}`
}

it.each([
  [
    '/v2/a?_state=x%2By+z=&b=%7e~\'"',
    'https://registry.example:5000 /v2/a?_state=x%2By+z=&b=%7e~\'"',
  ],
  ['https://s3.example/b%2fc?X-Sig=a/b+c%3D#part', 'https://s3.example /b%2fc?X-Sig=a/b+c%3D'],
  ['https://u:p@s3.example/b', 'https://s3.example /b'],
  ['//s3.example/b?c', 'https://s3.example /b?c'],
  ['next?a=b', 'https://registry.example:5000 /v2/team/x/blobs/uploads/next?a=b'],
  ['?a=b', 'https://registry.example:5000 /v2/team/x/blobs/uploads/?a=b'],
  ['/a/../../b?c=/../', 'https://registry.example:5000 /b?c=/../'],
  ['https://s3.example?x=1', 'https://s3.example /?x=1'],
  ['/\\evil.example/x', 'https://evil.example /x'],
  ['ftp://a/b', undefined],
  ['javascript:alert(1)', undefined],
  ['/a b', undefined],
  ['/a\r\nHost: evil', undefined],
  ['https://', undefined],
])('%s', (text, expected) => expect(read(text)).toBe(expected))

it.each([
  ['http://a.example/', 'https://a.example/', 'lost'],
  ['http://A.example:443/', 'https://a.example/', 'lost'],
  ['http://a.example/', 'https://a.example:5000/', 'lost'],
  ['http://a.example:5000/', 'https://a.example:5000/', 'lost'],
  ['http://a.example:5001/', 'https://a.example:5000/', 'refused'],
  ['http://a.example:5000/', 'https://a.example/', 'refused'],
  ['http://b.example/', 'https://a.example/', 'refused'],
  ['https://b.example:1/', 'https://a.example/', 'kept'],
  ['http://b.example/', 'http://a.example/', 'kept'],
])('%s from %s: TLS is %s', (url, origin, expected) =>
  expect(tlsOf(new URL(url), new URL(origin))).toBe(expected),
)

it('never throws, and what it reads can be a request line', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'https://',
      'http:',
      '//',
      '/',
      '\\',
      '..',
      '%2e',
      '?',
      '#',
      '@',
      ':',
      '[',
      ']',
      ' ',
      '\r\n',
    ),
    anyText,
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const address = readAddress(pieces.join(''), base)
      if (address === undefined) return
      expect(address.path).toMatch(/^\/[\x21-\xff]*$/)
      expect(address.url.username + address.url.password).toBe('')
    }),
    { numRuns: 2000 },
  )
})
