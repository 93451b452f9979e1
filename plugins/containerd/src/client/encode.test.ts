import { fromJSON } from '@grpc/proto-loader'
import descriptor from '@orch/proto/containerd.json' with { type: 'json' }
import { expect, it } from 'vitest'
import { encodeWrite } from './encode.ts'
import { method } from './services.ts'
import { headRoom } from './types.ts'

/** As the daemon reads it. */
function decode(bytes: Buffer): unknown {
  const all = fromJSON(descriptor as Parameters<typeof fromJSON>[0], {
    longs: Number,
    enums: String,
  })
  const message = all['containerd.services.content.v1.WriteContentRequest']
  if (message === undefined || !('deserialize' in message)) throw new Error('no such message')
  return (message.deserialize as (bytes: Buffer) => unknown)(bytes)
}

const { serialize } = method('content.Content/Write')
const rest = {
  action: 'COMMIT',
  ref: 'layer-x',
  total: 5_000_000_000,
  expected: 'sha256:00',
  offset: 4_294_967_296,
  labels: { 'containerd.io/uncompressed': 'sha256:11' },
} as const

it.each([1, 127, 128, 16_383, 16_384, 4 * 1024 * 1024])(
  '%i bytes of data in two pieces arrive as one, beside all other fields',
  size => {
    const bytes = Buffer.alloc(size, 'orch')
    const data = [bytes.subarray(0, 1), bytes.subarray(1)]
    const message = encodeWrite(
      { ...rest, data, hasRoom: false },
      serialize as (rest: object) => Buffer,
    )
    const read = decode(message) as { data: Buffer }
    expect(read.data.equals(bytes)).toBe(true)
    expect({ ...read, data: undefined }).toEqual({ ...rest, data: undefined })
  },
)

it('data with room before it stays where it is, and only the room is written to', () => {
  const memory = Buffer.alloc(headRoom + 3_000_000, 'm')
  const data = memory.subarray(headRoom, headRoom + 2_000_000)
  data.fill('orch')
  const kept = Buffer.from(memory.subarray(headRoom))
  const request = { ...rest, data: [data], hasRoom: true }
  const message = encodeWrite(request, serialize as (rest: object) => Buffer)
  expect(message.buffer).toBe(memory.buffer)
  expect((decode(message) as { data: Buffer }).data.equals(data)).toBe(true)
  expect(memory.subarray(headRoom).equals(kept)).toBe(true)
})

it('data whose head is longer than the room is copied', () => {
  const memory = Buffer.alloc(headRoom + 10, 'm')
  const data = memory.subarray(headRoom)
  const request = { ...rest, labels: { key: 'v'.repeat(headRoom) }, data: [data], hasRoom: true }
  const message = encodeWrite(request, serialize as (rest: object) => Buffer)
  expect(message.buffer).not.toBe(memory.buffer)
  expect((decode(message) as { data: Buffer }).data.equals(data)).toBe(true)
})

it('a request without data has none', () => {
  const message = encodeWrite(
    { ...rest, data: [], hasRoom: false },
    serialize as (rest: object) => Buffer,
  )
  expect(decode(message)).toEqual(rest)
})
