/**
 * Cuts a zstd stream (RFC 8878 §3.1) so that no chunk holds bytes of two frames. Node's decompressor
 * ends with the first frame when a chunk goes on behind it, and drops the rest without a word.
 * What is no frame, or ends too early, is passed on for the decompressor to refuse.
 */
export async function* cutFrames(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const parser = new FrameParser()
  for await (const chunk of source) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      const taken = parser.take(rest)
      yield rest.subarray(0, taken)
      rest = rest.subarray(taken)
    }
  }
}

/** The next bytes of a frame: those whose value matters are kept. */
interface Step {
  readonly bytes: number
  readonly keep: boolean
}

class FrameParser {
  #frame: Generator<Step, void, Buffer> | undefined
  #step: Step = { bytes: 0, keep: false }
  #passed = 0
  #kept: Uint8Array[] = []

  /** Goes on through the chunk, and returns how many of its bytes belong to the frame it begins in. */
  take(chunk: Uint8Array): number {
    if (this.#frame === undefined) {
      this.#frame = frameSteps()
      this.#advance()
    }
    let at = 0
    while (at < chunk.byteLength && this.#frame !== undefined) {
      const next = Math.min(chunk.byteLength, at + this.#step.bytes - this.#passed)
      if (this.#step.keep) this.#kept.push(chunk.slice(at, next))
      this.#passed += next - at
      at = next
      this.#advance()
    }
    return at
  }

  #advance(): void {
    while (this.#frame !== undefined && this.#passed === this.#step.bytes) {
      const { done, value } = this.#frame.next(Buffer.concat(this.#kept))
      this.#passed = 0
      this.#kept = []
      if (done) {
        this.#frame = undefined
        this.#step = { bytes: 0, keep: false }
      } else this.#step = value
    }
  }
}

const keep = (bytes: number): Step => ({ bytes, keep: true })
const pass = (bytes: number): Step => ({ bytes, keep: false })

function* frameSteps(): Generator<Step, void, Buffer> {
  const magic = (yield keep(4)).readUInt32LE(0)
  if (magic === 0xfd2fb528) yield* dataFrame()
  else if (magic >>> 4 === 0x184d2a5) yield pass((yield keep(4)).readUInt32LE(0))
  else yield pass(Number.POSITIVE_INFINITY)
}

/** Header, blocks and checksum of a frame (RFC 8878 §3.1.1). */
function* dataFrame(): Generator<Step, void, Buffer> {
  const descriptor = (yield keep(1)).readUInt8(0)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const hasChecksum = (descriptor & 0x04) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 0x03] ?? 0
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  yield pass((isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes)
  for (let isLast = false; !isLast; ) {
    const block = (yield keep(3)).readUIntLE(0, 3)
    isLast = (block & 1) === 1
    const isRunLength = ((block >> 1) & 3) === 1
    yield pass(isRunLength ? 1 : block >> 3)
  }
  if (hasChecksum) yield pass(4)
}
