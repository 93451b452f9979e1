import type { Digest } from '@orch/oci'
import pLimit from 'p-limit'

/** How many images are loaded at once. More bring an engine nothing. */
const few = 4
/** How long loads that begin together wait for each other, in milliseconds. */
const togetherMs = 5

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

/** A load that is to begin. */
export interface Beginning {
  /** The layers that it lacks, by any names. */
  readonly layers: readonly string[]
  /** Of all that it would send. */
  readonly bytes: number
}

interface Bringing {
  readonly sent: Promise<void>
  readonly came: Promise<boolean>
}

interface Claim {
  readonly theirs: ReadonlyMap<string, Bringing>
  readonly own: Map<string, (came: boolean) => void>
  /** All that is its own is on its way. */
  readonly sent: () => void
}

/**
 * The layers that the loads into one engine bring at this moment. Of several images that share a layer one
 * brings it: an engine that is sent it by several unpacks it as often.
 */
export class Underway {
  /** The images of this run: a load that goes in parts takes none of them away. */
  readonly roots: Set<Digest> = new Set()
  readonly #layers = new Map<string, Bringing>()
  readonly #limit = pLimit(few)
  #waiting: { readonly beginning: Beginning; readonly begin: (claim: Claim) => void }[] = []

  /**
   * Runs the loads of few images at once: each holds memory. What begins within needs no turn of its own.
   * Throws the signal's reason when that is aborted before its turn.
   */
  oneOfFew<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#limit(async () => {
      signal.throwIfAborted()
      return await work()
    })
  }

  /**
   * Runs a load that brings those of its layers that no other is bringing. Loads wait for those alone that
   * began before them: so none waits in a circle, as long as none begins anew within, and none takes a
   * connection, of which there may be few, before its turn.
   */
  async during<T>(beginning: Beginning, load: (shared: Shared) => Promise<T>): Promise<T> {
    const { theirs, own, sent } = await this.#claim(beginning)
    const settle = (layer: string, came: boolean): void => {
      own.get(layer)?.(came)
      if (own.delete(layer)) this.#layers.delete(layer)
    }
    let came = false
    try {
      const outcome = await load({
        theirs: new Map([...theirs].map(([layer, other]) => [layer, other.came])),
        turn: Promise.all([...theirs.values()].map(other => other.sent)),
        sent,
        arrived: layer => settle(layer, true),
      })
      came = true
      return outcome
    } finally {
      sent()
      for (const layer of [...own.keys()]) settle(layer, came)
    }
  }

  /** Of loads that begin together the smallest is the first, so that none waits long for what is little. */
  #claim(beginning: Beginning): Promise<Claim> {
    const { promise, resolve: begin } = Promise.withResolvers<Claim>()
    this.#waiting.push({ beginning, begin })
    if (this.#waiting.length === 1) setTimeout(() => this.#beginAll(), togetherMs)
    return promise
  }

  #beginAll(): void {
    const all = this.#waiting.toSorted((a, b) => a.beginning.bytes - b.beginning.bytes)
    this.#waiting = []
    for (const { beginning, begin } of all) begin(this.#take(beginning.layers))
  }

  #take(layers: readonly string[]): Claim {
    const { promise: sent, resolve } = Promise.withResolvers<void>()
    const theirs = new Map<string, Bringing>()
    const own = new Map<string, (came: boolean) => void>()
    for (const layer of new Set(layers)) {
      const other = this.#layers.get(layer)
      if (other !== undefined) {
        theirs.set(layer, other)
        continue
      }
      const came = Promise.withResolvers<boolean>()
      own.set(layer, came.resolve)
      this.#layers.set(layer, { sent, came: came.promise })
    }
    return { theirs, own, sent: resolve }
  }
}
