/** Lets work with the same key run one after another, in the order of asking, within this process. */
export class Turns<Key> {
  readonly #last = new Map<Key, Promise<unknown>>()

  /**
   * Runs `work` when all that was asked for before with this key has settled. Throws the signal's
   * reason when it is aborted before that.
   */
  async take<T>(key: Key, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const turn = (signal === undefined ? before : unlessAborted(before, signal)).then(work)
    const both = Promise.allSettled([before, turn]) // who comes next waits for those before us too
    this.#last.set(key, both)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === both) this.#last.delete(key)
    }
  }
}

function unlessAborted(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    before.finally(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
  })
}
