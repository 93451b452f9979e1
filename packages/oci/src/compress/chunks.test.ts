import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunksOf, inOrder } from './chunks.ts'

async function* from<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('cutting into chunks', () => {
  it('keeps the bytes, all chunks but the last of the same size', async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 1, max: 40 }), async (given, size) => {
        const chunks = await all(chunksOf(from(given), size))
        expect(Buffer.concat(chunks)).toEqual(Buffer.concat(given))
        for (const chunk of chunks.slice(0, -1)) expect(chunk).toHaveLength(size)
        expect(chunks.at(-1)?.byteLength).not.toBe(0)
      }),
    )
  })

  it('owns its chunks, so that a source may use its buffer again', async () => {
    async function* reusing(): AsyncGenerator<Uint8Array> {
      const buffer = Buffer.alloc(4)
      for (const text of ['aaaa', 'bbbb']) {
        buffer.write(text)
        yield buffer
      }
    }
    expect((await all(chunksOf(reusing(), 4))).map(String)).toEqual(['aaaa', 'bbbb'])
  })
})

describe('working on several at once', () => {
  it('gives results in the order of the items, never more at once than told', async () => {
    let running = 0
    let most = 0
    const results = await all(
      inOrder(from([5, 1, 4, 0, 3, 2]), 3, async item => {
        most = Math.max(most, ++running)
        await wait(item * 3)
        running--
        return item
      }),
    )
    expect(results).toEqual([5, 1, 4, 0, 3, 2])
    expect(most).toBe(3)
  })

  it('ends with the error of an item when its turn comes, after the work at hand', async () => {
    const seen: number[] = []
    let finished = 0
    const drawing = (async () => {
      for await (const item of inOrder(from([0, 1, 2, 3]), 4, async item => {
        await wait(item === 1 ? 0 : 10)
        finished++
        if (item === 1) throw new Error('item 1')
        return item
      }))
        seen.push(item)
    })()
    await expect(drawing).rejects.toThrow('item 1')
    expect(seen).toEqual([0])
    expect(finished).toBe(4)
  })

  it('lets go of its source when the reader stops', async () => {
    let closed = false
    async function* source(): AsyncGenerator<number> {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        closed = true
      }
    }
    for await (const item of inOrder(source(), 2, async item => item)) if (item === 3) break
    expect(closed).toBe(true)
  })
})
