import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonMessages } from './messages.ts'

async function read(...chunks: readonly (string | Uint8Array)[]): Promise<unknown[]> {
  const stream = async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk as string)
  }
  return await all(stream())
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<unknown[]> {
  const messages: unknown[] = []
  for await (const message of jsonMessages(stream)) messages.push(message)
  return messages
}

it('messages one after another, with and without blanks between', async () => {
  expect(await read('{"a":1}\r\n{"b":{"c":[2]}}{"d":3} \n')).toEqual([
    { a: 1 },
    { b: { c: [2] } },
    { d: 3 },
  ])
})

it('any messages, split anywhere, also inside a character', async () => {
  const message = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
  await fc.assert(
    fc.asyncProperty(fc.array(message), fc.array(fc.nat(40)), async (messages, cuts) => {
      const whole = messages.map(item => JSON.parse(JSON.stringify(item)))
      const bytes = Buffer.from(whole.map(item => JSON.stringify(item)).join('\r\n'))
      const chunks: Buffer[] = []
      let at = 0
      for (const cut of cuts) {
        chunks.push(bytes.subarray(at, at + cut))
        at += cut
      }
      expect(await read(...chunks, bytes.subarray(at))).toEqual(whole)
    }),
    { numRuns: 200 },
  )
})

it('braces and quotes inside of texts', async () => {
  const message = { stream: '}{"\\"}\\\\{' }
  expect(await read(...JSON.stringify(message))).toEqual([message])
})

it('an answer that ends within a message', async () => {
  await expect(read('{"a":1}{"stream":"Loa')).rejects.toThrow(/ends within a message: "\{\\"stream/)
})

it('an answer that is not JSON', async () => {
  await expect(read('<html>')).rejects.toThrow(/no JSON: "<html>"/)
  await expect(read('{a}')).rejects.toThrow(/no JSON: "\{a\}"/)
  await expect(read(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]))).rejects.toThrow(/not UTF-8/)
})

it('a message without an end is not kept', async () => {
  const endless = (function* () {
    yield '{"stream":"'
    for (;;) yield 'x'.repeat(64 * 1024)
  })()
  const stream = async function* () {
    for (const text of endless) yield Buffer.from(text)
  }
  await expect(all(stream())).rejects.toThrow(/more than 1048576 bytes/)
})
