import type { Destination, Plugin, Runtime } from '@orch/core'
import { messageOf, OrchError, UsageError } from '@orch/oci'
import { load } from './load/load.ts'
import { namesFor } from './names.ts'
import { type DockerExportOptions, dockerOptions } from './options.ts'
import { parsePlace } from './place.ts'
import { checkLoads } from './planned.ts'
import { Engines } from './pool.ts'
import { openImage } from './source.ts'

/** How long an engine may take to show that it is there. */
const probeMs = 3000

/**
 * Docker Engine: the source `docker-daemon:name`, and the exporter `docker`, which loads the whole index
 * where the engine keeps indexes, and else each platform that is wanted under a name of its own.
 */
export function docker(): Plugin {
  return {
    name: 'docker',
    sources: ['docker-daemon'],
    exporters: { docker: dockerOptions },
    destinations: { docker: destinationOf, 'docker-daemon': destinationOf },
    runtimes: { docker: findRuntime },
    setup({ hooks }) {
      const engines = new Engines()
      hooks.exportsResolved.tap('docker', checkLoads)
      hooks.exportsResolved.tap('docker', (exports, context) => {
        for (const { plan } of exports)
          if (plan.exporter === 'docker') engines.seek(plan.options as DockerExportOptions, context)
      })
      hooks.source.tapPromise('docker', async (ref, context) => {
        if (ref.scheme !== 'docker-daemon') return undefined
        const { name, ...options } = parsePlace(ref.rest)
        return openImage(await engines.of(options, context), name, context)
      })
      hooks.export.for('docker').tapPromise('docker', async (image, plan, context) => {
        const options = plan.options as DockerExportOptions
        const names = namesFor(image.name, options.names ?? image.references)
        const engine = await engines.of(options, context)
        const { exporter } = plan
        const underway = engines.underway(engine)
        const { platforms } = options
        return load({ engine, underway, image, names, platforms, exporter, context })
      })
      hooks.shutdown.tapPromise('docker', () => engines.close())
    },
  }
}

function destinationOf(rest: string): Destination {
  return { exporter: 'docker', options: {}, references: rest === '' ? [] : [rest] }
}

async function findRuntime(
  env: Readonly<Record<string, string | undefined>>,
  { offline, signal: ended }: { readonly offline: boolean; readonly signal: AbortSignal },
): Promise<Runtime> {
  const chosen = Boolean(env['DOCKER_HOST'] || env['DOCKER_CONTEXT'])
  const engines = new Engines()
  // One that is named is waited for as a load would; nothing is said of others that are slow.
  const signal = chosen ? ended : AbortSignal.any([ended, AbortSignal.timeout(probeMs)])
  try {
    const engine = await engines.of({}, { env, signal, offline })
    return { found: true, where: `Docker Engine at ${engine.where}`, chosen }
  } catch (error) {
    ended.throwIfAborted()
    if (chosen && error instanceof UsageError) throw error
    const hint = error instanceof OrchError && error.hint !== undefined ? ` (${error.hint})` : ''
    const said = signal.aborted
      ? `it does not answer within ${probeMs / 1000} s`
      : `${messageOf(error)}${hint}`
    return { found: false, why: `docker: ${said}`, chosen }
  } finally {
    await engines.close()
  }
}
