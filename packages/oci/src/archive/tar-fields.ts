import { isUtf8 } from 'node:buffer'
import { shown } from '../errors.ts'
import { TarRefusal } from './tar-refusal.ts'

const space = 0x20
const digit0 = 0x30
const digit7 = 0x37

/** The number in octal digits between zero bytes and spaces, 0 without any digit; undefined for what is none. */
export function octal(field: Uint8Array): number | undefined {
  let value = 0
  let begun = false
  let ended = false
  for (const byte of field) {
    if (byte === 0 || byte === space) ended = begun
    else if (ended || byte < digit0 || byte > digit7) return undefined
    else {
      begun = true
      value = value * 8 + byte - digit0
    }
  }
  return value
}

/**
 * The number in a field, octal or base-256 (GNU: the first bit set, the others two's complement);
 * undefined for what is none, and for what 64 bits do not hold. Imprecise above 2^53.
 */
export function numeric(field: Buffer): number | undefined {
  if ((field[0] ?? 0) < 0x80) return octal(field)
  const value = BigInt.asIntN(field.byteLength * 8 - 1, BigInt(`0x${field.toString('hex')}`))
  return BigInt.asIntN(64, value) === value ? Number(value) : undefined
}

/** The bytes before the first zero byte. */
export function cString(field: Buffer): Buffer {
  const end = field.indexOf(0)
  return end === -1 ? field : field.subarray(0, end)
}

/** The text of a name. Throws `TarRefusal` for what is not UTF-8: readers replace that in different ways. */
export function nameText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  if (!isUtf8(bytes)) throw new TarRefusal(`holds the name ${shown(text)}, which is not UTF-8`)
  return text
}
