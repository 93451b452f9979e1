/** Memory that is free: used again, since to allocate and collect it costs more than to fill it. */
export class MemoryPool {
  readonly #limit: number
  /** What was given back last is last. */
  readonly #free: Buffer[] = []

  /** Keeps up to `limit` bytes, of all sizes together. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Memory of exactly `size` bytes. What is in it may be anything. */
  take(size: number): Buffer {
    const at = this.#free.findLastIndex(({ byteLength }) => byteLength === size)
    const [memory] = at === -1 ? [] : this.#free.splice(at, 1)
    return memory ?? Buffer.allocUnsafeSlow(size)
  }

  /** Takes memory back, once. What has been free the longest makes way for it. */
  give(memory: Buffer): void {
    this.#free.push(memory)
    while (this.kept > this.#limit) this.#free.shift()
  }

  /** Bytes that are free and kept. */
  get kept(): number {
    return this.#free.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }
}
