/** The smallest programs: static Linux executables that print a text, made without a compiler. */

type Architecture = 'amd64' | 'arm64'

/** What a program does after it has printed its text: end with exit code 0, or wait to be ended. */
type Then = 'exit' | 'wait'

const load = 0x400000
const headers = 64 + 56

/**
 * An ELF64 executable that writes `text` to stdout.
 * It proves that an image runs, or that an architecture's programs do, in no time at all.
 */
export function helloElf(architecture: Architecture, text: string, then: Then = 'exit'): Buffer {
  const message = Buffer.from(text)
  const code =
    architecture === 'amd64' ? amd64Code(message.length, then) : arm64Code(message.length, then)
  const size = headers + code.length + message.length
  const header = Buffer.alloc(headers)
  header.write('\x7fELF\x02\x01\x01', 'latin1')
  header.writeUInt16LE(2, 16) // an executable
  header.writeUInt16LE(architecture === 'amd64' ? 62 : 183, 18)
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(BigInt(load + headers), 24) // entry
  header.writeBigUInt64LE(64n, 32) // where the program header is
  header.writeUInt16LE(64, 52)
  header.writeUInt16LE(56, 54)
  header.writeUInt16LE(1, 56)
  // One segment: the whole file, to be read and executed.
  header.writeUInt32LE(1, 64)
  header.writeUInt32LE(5, 68)
  header.writeBigUInt64LE(BigInt(load), 80)
  header.writeBigUInt64LE(BigInt(load), 88)
  header.writeBigUInt64LE(BigInt(size), 96)
  header.writeBigUInt64LE(BigInt(size), 104)
  header.writeBigUInt64LE(0x1000n, 112)
  return Buffer.concat([header, code, message])
}

/** write(1, message, length); then exit(0) or pause(). The message stands right behind the code. */
function amd64Code(length: number, then: Then): Buffer {
  const code = Buffer.from(
    'b801000000' + // mov eax, 1 (write)
      'bf01000000' + // mov edi, 1
      '488d3510000000' + // lea rsi, [rip + 16]
      'ba00000000' + // mov edx, length
      '0f05' + // syscall
      'b800000000' + // mov eax, the last call
      '31ff' + // xor edi, edi
      '0f05', // syscall
    'hex',
  )
  code.writeUInt32LE(length, 18)
  code.writeUInt32LE(then === 'exit' ? 60 : 34, 25)
  return code
}

/** As on amd64, with ppoll on nothing for pause, which arm64 does not have. */
function arm64Code(length: number, then: Then): Buffer {
  const words = [
    mov(0, 1),
    0x10000141, // adr x1, 40 bytes on
    mov(2, length),
    mov(8, 64), // write
    0xd4000001, // svc 0
    mov(0, 0),
    mov(1, 0),
    mov(2, 0),
    mov(3, 0),
    mov(8, then === 'exit' ? 93 : 73),
    0xd4000001,
  ]
  const code = Buffer.alloc(words.length * 4)
  for (const [index, word] of words.entries()) code.writeUInt32LE(word, index * 4)
  return code
}

/** The arm64 instruction `mov x<register>, value`, for values below 65536. */
function mov(register: number, value: number): number {
  return (0xd2800000 | (value << 5) | register) >>> 0
}
