import { pipeline, Readable } from 'node:stream'
import zlib from 'node:zlib'
import type { CompressionType } from '../documents/media-types.ts'
import { OrchError } from '../errors.ts'
import { cutFrames } from './zstd-frames.ts'

/** What a stream's first bytes say of its compression: gzip (RFC 1952 §2.3.1) or zstd (RFC 8878 §3.1.1), else none. */
export function sniffCompression(start: Uint8Array): CompressionType {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip'
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd)
    return 'zstd'
  return 'none'
}

/** Bounds on what a compressed stream may become. */
export interface DecompressionLimits {
  /** Output bytes, in all. */
  maxBytes?: number
  /** Output over input. */
  maxRatio?: number
  /** Output bytes up to which any ratio is fine; a gibibyte by default, since less harms nobody. */
  ratioFrom?: number
}

/** Deflate cannot exceed 1032:1, and layers of zeros come near it, so only zstd bombs are caught by the ratio. */
const defaults: Required<DecompressionLimits> = {
  maxBytes: 1024 ** 4,
  maxRatio: 2000,
  ratioFrom: 1024 ** 3,
}

/** The plain bytes of a compressed stream. Throws `COMPRESSION_INVALID` on damage and `COMPRESSION_BOMB` past a limit. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  type: CompressionType,
  limits: DecompressionLimits = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { maxBytes, maxRatio, ratioFrom } = { ...defaults, ...limits }
  let before = 0
  let after = 0
  const check = (): void => {
    const bomb =
      after > maxBytes || (after > ratioFrom && type !== 'none' && after > before * maxRatio)
    if (bomb)
      throw new OrchError(
        'COMPRESSION_BOMB',
        `${before} bytes of ${type} became more than ${after} bytes`,
      )
  }
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      before += chunk.byteLength
      yield chunk
    }
  }
  for await (const chunk of type === 'none' ? counted() : inflated(counted(), type)) {
    after += chunk.byteLength
    check()
    yield chunk
  }
}

async function* inflated(
  source: AsyncIterable<Uint8Array>,
  type: 'gzip' | 'zstd',
): AsyncGenerator<Uint8Array, void, undefined> {
  const options = { chunkSize: 256 * 1024 }
  const inflate = type === 'gzip' ? zlib.createGunzip(options) : zlib.createZstdDecompress(options)
  let given = 0
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of type === 'zstd' ? cutFrames(source) : source) {
      given += chunk.byteLength
      if (chunk.byteLength > 0) yield chunk
    }
  }
  const input = Readable.from(counted(), { highWaterMark: 1 }) // in object mode no two chunks merge
  pipeline(input, inflate, () => {}) // errors reach the reader through `inflate`
  try {
    for await (const chunk of inflate) yield chunk
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (!code.startsWith('Z_') && !code.startsWith('ZSTD') && !code.startsWith('ERR_ZSTD'))
      throw cause
    throw new OrchError('COMPRESSION_INVALID', `not valid ${type}: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    inflate.destroy()
    input.destroy()
  }
  // The decompressor stops at what it does not know, and what lies behind must not go unseen.
  if (inflate.bytesWritten !== given)
    throw new OrchError('COMPRESSION_INVALID', `not valid ${type}: there are bytes after its end`)
}
