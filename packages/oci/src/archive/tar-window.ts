import type { FileHandle } from 'node:fs/promises'
import { TarRefusal } from './tar-refusal.ts'

/** Bytes read from the file at a time: some headers of small entries, and no more than a little content. */
const windowSize = 32 * 1024

/** Reads short stretches of a large file, mostly forwards. */
export class TarWindow {
  readonly size: number
  readonly #file: FileHandle
  readonly #signal: AbortSignal | undefined
  #memory: Buffer = Buffer.allocUnsafeSlow(windowSize)
  #start = 0
  #end = 0

  /** @param size of the file */
  constructor(file: FileHandle, size: number, signal?: AbortSignal) {
    this.#file = file
    this.size = size
    this.#signal = signal
  }

  /** The bytes from `at` on, valid until the next call. Throws `TarRefusal` when the file ends before. */
  async bytes(at: number, length: number): Promise<Buffer> {
    if (at + length > this.size) throw new TarRefusal('ends within an entry')
    if (at < this.#start || at + length > this.#end) await this.#move(at, length)
    return this.#memory.subarray(at - this.#start, at - this.#start + length)
  }

  async #move(at: number, length: number): Promise<void> {
    this.#signal?.throwIfAborted()
    if (this.#memory.byteLength < length) this.#memory = Buffer.allocUnsafeSlow(length)
    this.#start = at
    this.#end = at
    while (this.#end < at + length) {
      const used = this.#end - at
      const free = this.#memory.byteLength - used
      const { bytesRead } = await this.#file.read(this.#memory, used, free, this.#end)
      if (bytesRead === 0) throw new TarRefusal('ends within an entry')
      this.#end += bytesRead
    }
  }
}
