import { headRoom } from './types.ts'
import type { WireWriteRequest } from './wire.ts'

/** Field 6, length-delimited (protobuf, encoding): `data` of WriteContentRequest. */
const dataTag = 0x32

/**
 * A write request as bytes. `serialize` encodes all but the data, which is appended as the last field, so
 * that a message of megabytes is copied once.
 */
export function encodeWrite(
  request: WireWriteRequest,
  serialize: (rest: object) => Buffer,
): Buffer {
  const { data, hasRoom, ...rest } = request
  const length = data.reduce((sum, piece) => sum + piece.byteLength, 0)
  if (length === 0) return serialize(rest)
  const head = Buffer.concat([serialize(rest), Uint8Array.of(dataTag, ...varint(length))])
  const [piece] = data
  if (!hasRoom || piece === undefined || data.length > 1 || head.byteLength > headRoom)
    return Buffer.concat([head, ...data], head.byteLength + length)
  const { buffer, byteOffset } = piece
  const whole = Buffer.from(buffer, byteOffset - head.byteLength, head.byteLength + length)
  whole.set(head)
  return whole
}

function varint(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}
