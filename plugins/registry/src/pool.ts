import type { BuildContext } from '@orch/core'
import type { HostSettings, Registries, RegistryOptions } from '@orch/registry'
import { insecureSettings } from './insecure.ts'

/** What registries are spoken to with. */
type Surroundings = Pick<BuildContext, 'env' | 'signal' | 'offline' | 'events'>

/**
 * The registries of one run: connections, tokens, and what is known to be where, are shared by all
 * images. A host that is spoken to insecurely has a set of its own.
 */
export class Pool {
  readonly #hosts: Readonly<Record<string, HostSettings>>
  readonly #made = new Map<string, Promise<Registries>>()

  constructor(hosts: Readonly<Record<string, HostSettings>> = {}) {
    this.#hosts = hosts
  }

  /** The registries by which a host is reached. */
  async of(
    domain: string,
    insecure: boolean,
    { env, signal, offline, events }: Surroundings,
  ): Promise<Registries> {
    const key = insecure ? domain : ''
    const made = this.#made.get(key)
    if (made !== undefined) return made
    const own = { ...this.#hosts[domain], ...insecureSettings }
    const registries = open({
      hosts: insecure ? { ...this.#hosts, [domain]: own } : this.#hosts,
      env,
      signal,
      offline,
      onWarning: (host, warning) =>
        events.emit({ type: 'log', level: 'warning', message: `${host}: ${warning}` }),
    })
    this.#made.set(key, registries)
    return registries
  }

  async close(): Promise<void> {
    const made = await Promise.all(this.#made.values())
    this.#made.clear()
    await Promise.all(made.map(registries => registries.close()))
  }
}

async function open(options: RegistryOptions): Promise<Registries> {
  // Loaded when it is needed: most commands do without.
  const { createRegistries } = await import('@orch/registry')
  return createRegistries(options)
}
