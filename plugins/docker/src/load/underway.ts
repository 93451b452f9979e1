/** How a load goes on beside others that bring layers of its own. */
export interface Shared {
  /** The layers that others bring, and whether they came: known when a load has ended, or says so before. */
  readonly theirs: ReadonlyMap<string, Promise<boolean>>
  /** When those others have sent what they bring: the sooner they have, the sooner an engine can unpack it. */
  readonly turn: Promise<unknown>
  /** All that this load brings is on its way. */
  readonly sent: () => void
  /** One of the layers that this load brings is there. */
  readonly arrived: (layer: string) => void
}

interface Bringing {
  readonly sent: Promise<void>
  readonly came: Promise<boolean>
}

/**
 * The layers that the loads into one engine bring at this moment. Of several images that share a layer one
 * brings it: an engine that is sent it by several unpacks it as often.
 */
export class Underway {
  readonly #layers = new Map<string, Bringing>()

  /**
   * Runs a load that brings those of these layers, by any names, that no other is bringing. Loads wait for
   * those alone that began before them: so none waits in a circle, as long as none begins anew within, and
   * none takes a connection, of which there may be few, before its turn.
   */
  async during<T>(layers: Iterable<string>, load: (shared: Shared) => Promise<T>): Promise<T> {
    const sending = Promise.withResolvers<void>()
    const theirs = new Map<string, Bringing>()
    const own = new Map<string, (came: boolean) => void>()
    for (const layer of new Set(layers)) {
      const other = this.#layers.get(layer)
      if (other !== undefined) {
        theirs.set(layer, other)
        continue
      }
      const { promise: came, resolve } = Promise.withResolvers<boolean>()
      own.set(layer, resolve)
      this.#layers.set(layer, { sent: sending.promise, came })
    }
    const settle = (layer: string, came: boolean): void => {
      own.get(layer)?.(came)
      if (own.delete(layer)) this.#layers.delete(layer)
    }
    let came = false
    try {
      const outcome = await load({
        theirs: new Map([...theirs].map(([layer, other]) => [layer, other.came])),
        turn: Promise.all([...theirs.values()].map(other => other.sent)),
        sent: sending.resolve,
        arrived: layer => settle(layer, true),
      })
      came = true
      return outcome
    } finally {
      sending.resolve()
      for (const layer of [...own.keys()]) settle(layer, came)
    }
  }
}
