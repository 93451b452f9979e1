import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { fillingOf } from './filling.ts'

const text = (memory: Uint8Array): string => Buffer.from(memory).toString()

describe('a stream that fills memory', () => {
  it('gives every byte in order, whatever its pieces, and then nothing', async () => {
    const filling = fillingOf(Readable.from(['', 'abcde', '', 'f', 'ghi'].map(Buffer.from)))
    const memory = Buffer.alloc(3)
    const found: string[] = []
    for (let length = -1; length !== 0; ) {
      length = await filling.fill(memory)
      found.push(text(memory.subarray(0, length)))
    }
    expect(found).toEqual(['abc', 'de', 'f', 'ghi', ''])
    expect(await filling.fill(memory)).toBe(0)
  })

  it('fails as the stream does, also when that was before the first byte was wanted', async () => {
    const stream = new Readable({ read() {} })
    const filling = fillingOf(stream)
    stream.destroy(new Error('it broke'))
    await new Promise(resolve => stream.once('close', resolve))
    await expect(filling.fill(Buffer.alloc(3))).rejects.toThrow('it broke')
  })

  it('ends the stream when it is not wanted any more', () => {
    const stream = Readable.from([Buffer.from('abc')])
    fillingOf(stream).destroy()
    expect(stream.destroyed).toBe(true)
  })
})
