import type { BuildContext } from '@orch/core'
import type { Endpoint, EndpointOptions } from './engine/address.ts'
import { endpointOf } from './engine/endpoint.ts'
import type { Engine } from './engine/types.ts'
import { Underway } from './load/underway.ts'

/** What an engine is sought in. */
type Surroundings = Pick<BuildContext, 'env' | 'signal' | 'offline'>

/** The engines of one run: each is asked once what it is. */
export class Engines {
  readonly #closing = new AbortController()
  readonly #underway = new WeakMap<Engine, Underway>()
  readonly #engines = new Map<string, Promise<Engine>>()

  /** The engine that options and environment name. Throws what `endpointOf` and `connect` throw. */
  async of(options: EndpointOptions, context: Surroundings): Promise<Engine> {
    return await this.#reach(options, context)
  }

  /**
   * Begins to ask an engine what it is, so that it has answered by the time when images are built. What goes
   * wrong is told by `of`. Throws what `endpointOf` throws.
   */
  seek(options: EndpointOptions, context: Surroundings): void {
    this.#reach(options, context).catch(() => {})
  }

  #reach(
    { host, context }: EndpointOptions,
    { env, signal, offline }: Surroundings,
  ): Promise<Engine> {
    const key = JSON.stringify([host, context])
    const found = this.#engines.get(key)
    if (found !== undefined) return found
    const either = AbortSignal.any([signal, this.#closing.signal])
    const engine = reach(endpointOf({ host, context }, env), { signal: either, offline })
    this.#engines.set(key, engine)
    engine.catch(() => this.#engines.delete(key))
    return engine
  }

  /** What the loads of this run bring into an engine. */
  underway(engine: Engine): Underway {
    const found = this.#underway.get(engine) ?? new Underway()
    this.#underway.set(engine, found)
    return found
  }

  async close(): Promise<void> {
    // Nobody waits any more for one that is only being reached.
    this.#closing.abort()
    const engines = await Promise.allSettled(this.#engines.values())
    this.#engines.clear()
    for (const one of engines) if (one.status === 'fulfilled') one.value.close()
  }
}

async function reach(
  endpoint: Endpoint,
  reaching: { readonly signal: AbortSignal; readonly offline: boolean },
): Promise<Engine> {
  // Loaded when it is needed: most commands do without.
  const { connect } = await import('./engine/connect.ts')
  return connect(endpoint, reaching)
}
