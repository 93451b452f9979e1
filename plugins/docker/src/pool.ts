import type { BuildContext } from '@orch/core'
import { endpointOf } from './engine/endpoint.ts'
import type { Endpoint, EndpointOptions, Engine } from './engine/types.ts'

/** The engines of one run: each is asked once what it is. */
export class Engines {
  readonly #engines = new Map<string, Promise<Engine>>()

  /** The engine that options and environment name. Throws what `endpointOf` and `connect` throw. */
  async of(
    { host, context }: EndpointOptions,
    { env, signal, offline }: Pick<BuildContext, 'env' | 'signal' | 'offline'>,
  ): Promise<Engine> {
    const key = JSON.stringify([host, context])
    const found = this.#engines.get(key)
    if (found !== undefined) return found
    const engine = reach(endpointOf({ host, context }, env), { signal, offline })
    this.#engines.set(key, engine)
    engine.catch(() => this.#engines.delete(key))
    return engine
  }

  async close(): Promise<void> {
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
