import { UsageError } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { parseSize, storeLimit } from './limit.ts'

describe('a size', () => {
  it.each([
    ['1073741824', 1073741824],
    ['20GiB', 20 * 1024 ** 3],
    ['500MB', 500_000_000],
    ['1.5 TiB', 1.5 * 1024 ** 4],
    ['0', 0],
    ['7 B', 7],
    ['64kb', 64_000],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text, 'x')).toBe(bytes)
  })

  it.each(['', '-1', '10 apples', '5G', '1e9', 'GiB', '99999999999TiB'])('%j is refused', text => {
    expect(() => parseSize(text, 'ORCH_CACHE_LIMIT')).toThrow(UsageError)
    expect(() => parseSize(text, 'ORCH_CACHE_LIMIT')).toThrow(/^ORCH_CACHE_LIMIT: .* not a size$/)
  })
})

describe('the limit', () => {
  it('is what the caller said, else the environment, else 10 GiB', () => {
    expect(storeLimit(5, { ORCH_CACHE_LIMIT: '1GiB' })).toBe(5)
    expect(storeLimit(undefined, { ORCH_CACHE_LIMIT: '1GiB' })).toBe(1024 ** 3)
    expect(storeLimit(undefined, { ORCH_CACHE_LIMIT: '' })).toBe(10 * 1024 ** 3)
    expect(() => storeLimit(Number.NaN, {})).toThrow(UsageError)
  })
})
