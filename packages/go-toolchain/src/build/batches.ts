/** How long a batch stays open. Reading packages takes far longer than the wait, once for all of them. */
const openMilliseconds = 5

/**
 * Collects what is asked for at nearly the same time under the same key, and hands it on together:
 * `start` gets every item of a batch once, when the batch closes, and settles each on its own.
 */
export class Batches<Item> {
  readonly #open = new Map<string, Item[]>()
  readonly #start: (items: readonly Item[]) => void

  constructor(start: (items: readonly Item[]) => void) {
    this.#start = start
  }

  add(key: string, item: Item): void {
    const batch = this.#open.get(key)
    if (batch !== undefined) {
      batch.push(item)
      return
    }
    const items = [item]
    this.#open.set(key, items)
    setTimeout(() => {
      this.#open.delete(key)
      this.#start(items)
    }, openMilliseconds)
  }
}
