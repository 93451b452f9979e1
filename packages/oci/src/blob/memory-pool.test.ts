import { describe, expect, it } from 'vitest'
import { MemoryPool } from './memory-pool.ts'

describe('a pool of memory', () => {
  it('hands out again what was given back, what was last first', () => {
    const pool = new MemoryPool(100)
    const [first, second] = [pool.take(10), pool.take(10)]
    expect(second).not.toBe(first)
    pool.give(first)
    pool.give(second)
    expect([pool.take(10), pool.take(10)]).toEqual([second, first])
    expect(pool.kept).toBe(0)
  })

  it('gives memory of the size that is asked for alone', () => {
    const pool = new MemoryPool(100)
    const [small, large] = [pool.take(10), pool.take(20)]
    pool.give(small)
    pool.give(large)
    expect(pool.take(15).byteLength).toBe(15)
    expect(pool.take(10)).toBe(small)
    expect(pool.take(20)).toBe(large)
  })

  it('keeps nothing past its limit, of all sizes together', () => {
    const pool = new MemoryPool(100)
    const sizes = [40, 30, 40, 30, 40, 10, 101, 60]
    for (const memory of sizes.map(size => pool.take(size))) {
      pool.give(memory)
      expect(pool.kept).toBeLessThanOrEqual(100)
    }
  })

  it('lets go of what has been free the longest: a size that nobody wants any more makes way', () => {
    const pool = new MemoryPool(100)
    const old = [pool.take(50), pool.take(50)]
    for (const memory of old) pool.give(memory)
    const wanted = pool.take(30)
    pool.give(wanted)
    expect(pool.kept).toBe(80)
    expect(pool.take(30)).toBe(wanted)
    expect(pool.take(50)).toBe(old[1])
    expect(old).not.toContain(pool.take(50))
  })
})
