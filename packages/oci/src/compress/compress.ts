import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { CompressionType } from '../documents/media-types.ts'
import { chunksOf, inOrder } from './chunks.ts'

/** How a layer is compressed. Levels: gzip 1 to 9, zstd 1 to 19. */
export interface Compression {
  readonly type: CompressionType
  readonly level?: number
}

const MiB = 1024 * 1024
/** Fixed, so that the output depends on the input alone. */
const chunkSize = { gzip: MiB, zstd: 4 * MiB }
/** Where more time stops buying much: measured on Go programs. */
export const defaultLevel: Readonly<Record<'gzip' | 'zstd', number>> = { gzip: 4, zstd: 3 }

/** What else the bytes depend on: part of the key under which a compressed layer is remembered. */
export function compressorIdentity({ type, level }: Compression): string {
  if (type === 'none') return 'none'
  const version = type === 'gzip' ? process.versions['zlib'] : process.versions['zstd']
  return `${type}-${level ?? defaultLevel[type]}-${chunkSize[type]} ${version} ${process.arch}`
}

/**
 * Compresses in chunks of a fixed size, several at once on the threads of the process; the output
 * does not depend on how many. gzip comes out as one member (RFC 1952) whose blocks end on byte
 * boundaries, each primed with the 32 KiB before it; zstd as one frame a chunk (RFC 8878 §3).
 */
export function compress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  width: number = defaultWidth(),
): AsyncIterable<Uint8Array> {
  const { type } = compression
  if (type === 'none') return source
  return type === 'gzip'
    ? gzip(source, compression.level ?? defaultLevel.gzip, width)
    : zstd(source, compression.level ?? defaultLevel.zstd, width)
}

/** Chunks in flight for one layer: every core busy, and one waiting. */
function defaultWidth(): number {
  return Math.min(availableParallelism(), 8) + 1
}

const deflateRaw = promisify(zlib.deflateRaw) as (
  input: Uint8Array,
  options: zlib.ZlibOptions,
) => Promise<Buffer>
const windowSize = 32 * 1024
/** Magic, deflate, no flags, mtime 0, no extra flags, OS unknown (RFC 1952 §2.3). */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
/** An empty final block with fixed codes (RFC 1951 §3.2.6). */
const finalBlock = Buffer.from([3, 0])

async function* gzip(
  source: AsyncIterable<Uint8Array>,
  level: number,
  width: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let crc = 0
  let size = 0
  let window: Buffer | undefined
  async function* primed(): AsyncGenerator<
    { chunk: Buffer; dictionary: Buffer | undefined },
    void,
    undefined
  > {
    for await (const chunk of chunksOf(source, chunkSize.gzip)) {
      crc = zlib.crc32(chunk, crc)
      size += chunk.byteLength
      yield { chunk, dictionary: window }
      window = chunk.subarray(-windowSize)
    }
  }
  yield gzipHeader
  yield* inOrder(primed(), width, ({ chunk, dictionary }) =>
    deflateRaw(chunk, {
      level,
      chunkSize: 256 * 1024,
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
      ...(dictionary === undefined ? {} : { dictionary }),
    }),
  )
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc >>> 0, 0)
  trailer.writeUInt32LE(size % 2 ** 32, 4)
  yield Buffer.concat([finalBlock, trailer])
}

const zstdCompress = promisify(zlib.zstdCompress) as (
  input: Uint8Array,
  options: zlib.ZstdOptions,
) => Promise<Buffer>

async function* zstd(
  source: AsyncIterable<Uint8Array>,
  level: number,
  width: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* inOrder(atLeastOne(chunksOf(source, chunkSize.zstd)), width, chunk =>
    zstdCompress(chunk, {
      chunkSize: 256 * 1024,
      pledgedSrcSize: chunk.byteLength,
      params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
    }),
  )
}

/** The chunks, or an empty one where there is none: nothing is an empty frame, since no frame is no zstd. */
async function* atLeastOne(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let isEmpty = true
  for await (const chunk of chunks) {
    isEmpty = false
    yield chunk
  }
  if (isEmpty) yield Buffer.alloc(0)
}
