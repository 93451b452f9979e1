/** Lets work run a few at a time, and never two that need the same thing. Nobody who waits holds anything. */
export class Slots {
  readonly #most: number
  readonly #taken = new Set<string>()
  #running = 0
  #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** Does the work once there is room and nobody else has one of the keys. */
  async run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    while (this.#running >= this.#most || keys.some(key => this.#taken.has(key)))
      await new Promise<void>(wake => this.#waiting.push(wake))
    this.#running += 1
    for (const key of keys) this.#taken.add(key)
    try {
      return await work()
    } finally {
      this.#running -= 1
      for (const key of keys) this.#taken.delete(key)
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }
}
