import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mediaTypes } from '../documents/media-types.ts'
import { type Blob, blobFromBytes, blobFromFile } from './blob.ts'
import { type Frame, type Stretch, type StretchOptions, stretches } from './stretches.ts'

const MiB = 1024 * 1024
const bytes = randomBytes(3_500_000)
const { descriptor } = blobFromBytes(bytes, mediaTypes.octets)
const frame: Frame = { room: 100, bytes: 1_000_000 }

let folder = ''
let source = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-stretches-'))
  source = join(folder, 'source')
  await writeFile(source, Buffer.concat([Buffer.from('head'), bytes, Buffer.from('tail')]))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const inFile = (length = bytes.byteLength): Blob =>
  blobFromFile(source, descriptor, { start: 4, length })
const inMemory = (): Blob => blobFromBytes(bytes, mediaTypes.octets)
/** A blob that is a stream of small pieces, and tells how its last stream ended. */
const inPieces = (): { blob: Blob; last: () => Readable | undefined } => {
  let stream: Readable | undefined
  const open: Blob['open'] = ({ offset = 0 } = {}) => {
    stream = Readable.from(pieces(offset), { objectMode: false })
    return stream
  }
  return { blob: { descriptor, open }, last: () => stream }
}
function* pieces(from: number): Generator<Uint8Array> {
  for (let at = from; at < bytes.byteLength; at += 999) yield bytes.subarray(at, at + 999)
}

/** Stretches as they came; the memory is given back unless it is to be held. */
interface Seen {
  readonly at: number
  readonly data: Buffer
  readonly stretch: Stretch
}
async function read(blob: Blob, options?: StretchOptions, isHeld = false): Promise<Seen[]> {
  const seen: Seen[] = []
  for await (const stretch of stretches(blob, options)) {
    seen.push({ at: stretch.at, data: Buffer.from(stretch.data), stretch })
    if (!isHeld) stretch.release()
  }
  return seen
}
const joined = (seen: readonly Seen[]): Buffer => Buffer.concat(seen.map(({ data }) => data))
const lengths = (seen: readonly Seen[]): number[] => seen.map(({ data }) => data.byteLength)
const memoryOf = (seen: readonly Seen[]): ArrayBufferLike[] =>
  seen.map(({ stretch }) => stretch.data.buffer)

const sources: readonly (readonly [string, () => Blob])[] = [
  ['a file', inFile],
  ['memory', inMemory],
  ['a stream', () => inPieces().blob],
]

describe.each(sources)('stretches of %s', (_, blob) => {
  it.each([
    ['without a frame', undefined],
    ['in a frame', frame],
  ])('begin and end where they should, %s', async (__, framed) => {
    for (const [start, end] of [
      [0, Number.POSITIVE_INFINITY],
      [0, 10],
      [1_048_570, 2_200_000],
      [3_499_999, 9_000_000],
      [3_500_000, 3_500_001],
      [9_000_000, 9_000_001],
      [10, 10],
    ] as const) {
      const options = framed === undefined ? { start, end } : { start, end, frame: framed }
      const seen = await read(blob(), options)
      let at: number = start
      for (const { at: begin, data } of seen) {
        expect(begin).toBe(at)
        at += data.byteLength
      }
      expect(joined(seen).equals(bytes.subarray(start, end))).toBe(true)
    }
  })

  it('fill their frames but for the last, and leave room before them', async () => {
    const seen = await read(blob(), { start: 700_000, frame }, true)
    expect(lengths(seen)).toEqual([1_000_000, 1_000_000, 800_000])
    // What a reader writes into the room is in nobody's way.
    for (const { stretch } of seen)
      Buffer.from(stretch.data.buffer, stretch.data.byteOffset - frame.room, frame.room).fill('h')
    for (const { stretch, data } of seen) expect(data.equals(stretch.data)).toBe(true)
  })

  it('keep their memory until it is given back, whoever reads meanwhile', async () => {
    const held = await read(blob(), { frame }, true)
    const others = (await Promise.all([1, 2, 3].map(() => read(blob(), { frame }, true)))).flat()
    const memory = memoryOf([...held, ...others])
    expect(new Set(memory).size).toBe(4 * 4)
    for (const { stretch, data } of held) expect(data.equals(stretch.data)).toBe(true)
    for (const { stretch } of [...held, ...others]) stretch.release()
    // From now on it is used again.
    for (const found of memoryOf(await read(blob(), { frame }))) expect(memory).toContain(found)
  })

  it('end with an abort, before the first and between two', async () => {
    await expect(read(blob(), { frame, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    for (const options of [{}, { frame }]) {
      const controller = new AbortController()
      const all = stretches(blob(), { ...options, signal: controller.signal })
      expect((await all.next()).value?.at).toBe(0)
      controller.abort()
      await expect(
        (async () => {
          for await (const { release } of all) release()
        })(),
      ).rejects.toMatchObject({ name: 'AbortError' })
    }
  })
})

describe('stretches', () => {
  it('are a MiB long of a file, and what it gives of a stream', async () => {
    expect(lengths(await read(inFile()))).toEqual([MiB, MiB, MiB, bytes.byteLength - 3 * MiB])
    const ofStream = await read(inPieces().blob, { start: 5, end: 2005 })
    expect(lengths(ofStream)).toEqual([999, 999, 2])
    expect(ofStream[0]?.stretch.data.buffer).toBe(bytes.buffer) // not copied
  })

  it.each([
    ['shorter', 2_000_000],
    ['longer', bytes.byteLength + 4],
  ])('are what there is when a file is %s than its descriptor says', async (_, length) => {
    const content = Buffer.concat([bytes, Buffer.from('tail')]).subarray(0, length)
    for (const options of [{}, { frame }]) {
      const seen = await read(inFile(length), options)
      expect(joined(seen).equals(content)).toBe(true)
    }
  })

  it('are what there is when a file ends before its range does', async () => {
    const seen = await read(inFile(9_000_000), { frame })
    expect(joined(seen).equals(Buffer.concat([bytes, Buffer.from('tail')]))).toBe(true)
  })

  it.each([
    ['without a frame', {}],
    ['in a frame', { frame }],
  ])('end with an abort although nothing comes from the stream, %s', async (_, options) => {
    const controller = new AbortController()
    const open = (): Readable => new Readable({ read() {} })
    setTimeout(() => controller.abort(), 20)
    const { signal } = controller
    await expect(read({ descriptor, open }, { ...options, signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  it.each([
    ['without a frame', {}],
    ['in a frame', { frame }],
  ])('fail as the stream does, after what came before, %s', async (_, options) => {
    const open = (): Readable =>
      Readable.from(
        (function* () {
          yield Buffer.from('begun')
          throw new Error('it broke')
        })(),
      )
    await expect(read({ descriptor, open }, options)).rejects.toThrow('it broke')
  })

  it.each([
    ['without a frame', {}],
    ['in a frame', { frame }],
  ])('end the stream when no more of them are wanted, %s', async (_, options) => {
    const { blob, last } = inPieces()
    for await (const { release } of stretches(blob, options)) {
      release()
      break
    }
    expect(last()?.destroyed).toBe(true)
  })

  it('close the file, also when it cannot be read', async () => {
    let isClosed = false
    const openFile = async () => ({
      read: () => Promise.reject(new Error('it broke')),
      close: async () => {
        isClosed = true
      },
    })
    await expect(read({ ...inMemory(), openFile })).rejects.toThrow('it broke')
    expect(isClosed).toBe(true)
  })

  it('do not use memory again into which a reading failed: it may come yet', async () => {
    let late: Uint8Array | undefined
    const openFile = async () => ({
      read: (into: Uint8Array) => {
        late = into
        return Promise.reject(new Error('it broke'))
      },
      close: async () => {},
    })
    await expect(read({ ...inMemory(), openFile }, { frame })).rejects.toThrow('it broke')
    const seen = await read(inFile(), { frame }, true)
    expect(memoryOf(seen)).not.toContain(late?.buffer)
  })
})
