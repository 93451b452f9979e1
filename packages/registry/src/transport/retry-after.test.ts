import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anyText } from '../test-text.ts'
import { retryAfter, serverTime } from './retry-after.ts'

const now = Date.parse('Sun, 06 Nov 1994 08:49:37 GMT')

it.each([
  ['12', 12_000],
  ['0', undefined],
  [' 1.5 ', 1500],
  ['Sun, 06 Nov 1994 08:49:47 GMT', 10_000],
  ['Sunday, 06-Nov-94 08:49:47 GMT', 10_000],
  ['Sun, 06 Nov 1994 08:00:00 GMT', undefined],
  ['-5', undefined],
  ['soon', undefined],
  ['1e9', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After: %s', (header, expected) => expect(retryAfter(header, now)).toBe(expected))

it('the server’s own clock counts', () => {
  expect(serverTime('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(now)
  expect(Math.abs(serverTime('nonsense') - Date.now())).toBeLessThan(1000)
})

it('any header gives no number, or one above 0', () => {
  fc.assert(
    fc.property(anyText, text => {
      const wait = retryAfter(text, now)
      expect(wait === undefined || (Number.isFinite(wait) && wait > 0)).toBe(true)
    }),
  )
})
