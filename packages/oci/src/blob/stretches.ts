import { addAbortSignal } from 'node:stream'
import type { Blob } from './blob.ts'

/** How long a stretch is, but for the last of a blob. */
const stretchBytes = 1024 * 1024
/** How much memory is kept for later, in stretches. */
const kept = 16

/** A part of a blob in memory that is used again. */
export interface Stretch {
  /** Where it begins in the blob. */
  readonly at: number
  readonly data: Uint8Array
  /** Gives its memory back. Not to be called while anyone may still read it. */
  release(): void
}

/** Memory that is free: used again, since to allocate and collect it costs more than to fill it. */
const free: Buffer[] = []

/** Where a reading of a blob begins and ends; from its first to its last byte unless told otherwise. */
export interface StretchOptions {
  readonly start?: number
  readonly end?: number
  readonly signal?: AbortSignal | undefined
}

/** The bytes of a blob in stretches, long ones where it lets its reader bring the memory. They are not verified. */
export async function* stretches(
  blob: Blob,
  { start = 0, end = Number.POSITIVE_INFINITY, signal }: StretchOptions = {},
): AsyncGenerator<Stretch, void, undefined> {
  signal?.throwIfAborted()
  if (blob.openFile === undefined) return yield* streamed(blob, start, end, signal)
  const file = await blob.openFile({ signal })
  try {
    for (let at = start; at < end; ) {
      signal?.throwIfAborted()
      const memory = free.pop() ?? Buffer.allocUnsafeSlow(stretchBytes)
      const length = await file.read(memory.subarray(0, end - at), at)
      if (length === 0) return void free.push(memory)
      const release = (): void => {
        if (free.length < kept) free.push(memory)
      }
      yield { at, data: memory.subarray(0, length), release }
      at += length
    }
  } finally {
    await file.close()
  }
}

async function* streamed(
  blob: Blob,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Stretch, void, undefined> {
  const source = blob.open({ offset: start, signal })
  // An abort before the first read would else have nobody to tell.
  source.on('error', () => {})
  if (signal !== undefined) addAbortSignal(signal, source)
  let at = start
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    const data = chunk.subarray(0, end - at)
    yield { at, data, release: () => {} }
    at += data.byteLength
    if (at >= end) return
  }
}
