import type { Destination, Plugin } from '@orch/core'
import { hostAlone, UsageError } from '@orch/oci'
import type { HostSettings } from '@orch/registry'
import { withEngineHint } from './engine-hint.ts'
import { hostsOf, registriesKey, registriesSchema } from './hosts.ts'
import { registryOptions } from './options.ts'
import { checkPushes } from './planned.ts'
import { Pool } from './pool.ts'
import { openImage } from './source.ts'

export { hostsOf } from './hosts.ts'
export { insecureSettings } from './insecure.ts'
export { parsePlace, splitPlace } from './place.ts'

/** What the plugin can be told. */
export interface RegistryPluginOptions {
  /** What hosts need beyond the defaults, by host as references name it; a project file's `registries` come first. */
  readonly hosts?: Readonly<Record<string, HostSettings>>
}

/**
 * Registries: the source `docker://reference`, which bare references mean too, and the exporter
 * `registry`, which pushes the whole index and puts its tags last.
 */
export function registry({ hosts }: RegistryPluginOptions = {}): Plugin {
  return {
    name: 'registry',
    sources: ['docker'],
    exporters: { registry: registryOptions },
    projectKeys: { [registriesKey]: registriesSchema },
    destinations: { 'docker://': destinationOf },
    setup({ hooks, settings }) {
      const pool = new Pool({ ...hosts, ...hostsOf(settings) })
      hooks.exportsResolved.tap('registry', checkPushes)
      hooks.source.tapPromise('registry', async (ref, context) =>
        ref.scheme === 'docker' ? openImage(ref, pool, context) : undefined,
      )
      hooks.export.for('registry').tapPromise('registry', async (image, plan, context) => {
        // Loaded when it is needed: most commands do without.
        const { pushImage } = await import('./push/push.ts')
        return pushImage(image, plan, context, pool).catch(error => {
          throw withEngineHint(error, plan)
        })
      })
      hooks.shutdown.tapPromise('registry', () => pool.close())
    },
  }
}

function destinationOf(rest: string): Destination {
  if (rest !== '' && hostAlone(rest) === undefined)
    return { exporter: 'registry', options: {}, references: [rest] }
  throw new UsageError('DESTINATION_INVALID', `docker://${rest} names no repository`, {
    hint: 'Write docker://host/repository:tag, or registry for the names that images have.',
  })
}
