import { expect, it } from 'vitest'
import { formatCount, formatDuration, formatSize } from './format.ts'

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1024 * 1024 - 1, '1.0 MiB'],
  [12.34 * 1024 ** 2, '12.3 MiB'],
  [600 * 1024 ** 2, '600 MiB'],
  [5 * 1024 ** 5, '5120 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text)
})

it.each([
  [0.4, '0ms'],
  [999.4, '999ms'],
  [999.6, '1.0s'],
  [59_949, '59.9s'],
  [59_960, '1m 00s'],
  [125_000, '2m 05s'],
  [3_599_600, '1h 00m'],
  [3_725_000, '1h 02m'],
])('%d milliseconds are %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text)
})

it('counts in words', () => {
  expect([formatCount(1, 'image'), formatCount(2, 'image')]).toEqual(['1 image', '2 images'])
})
