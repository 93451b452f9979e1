import type { Destination, Plugin, Runtime } from '@orch/core'
import { messageOf, OrchError, refuseTaken, UsageError } from '@orch/oci'
import { endpointOf, reach, type Watching } from './endpoint.ts'
import { requestOf, takenBy } from './exporter.ts'
import { Together } from './load/together.ts'
import { containerdOptions } from './options.ts'
import { parsePlace, splitSource } from './place.ts'
import { openImage } from './source.ts'

/** How long a containerd may take to show that it is there. */
const probeMs = 3000

/**
 * containerd over gRPC: the source `containerd:[namespace/]name`, and the exporter `containerd`, which
 * puts the whole index into the daemon, checked and without a moment at which a part of it could be
 * collected or taken for the whole.
 */
export function containerd(watching: Watching = {}): Plugin {
  return {
    name: 'containerd',
    sources: ['containerd'],
    exporters: { containerd: containerdOptions },
    destinations: { containerd: destinationOf },
    runtimes: { containerd: findRuntime },
    setup({ hooks, root }) {
      const together = new Together()
      hooks.exportsResolved.tap('containerd', (exports, context) => {
        const own = exports.filter(({ plan }) => plan.exporter === 'containerd')
        refuseTaken(
          own.flatMap(item => takenBy(item, context)),
          'Give each a name of its own; names= of an exporter is for one image.',
        )
      })
      hooks.source.tapPromise('containerd', async (ref, { signal, env, offline }) => {
        if (ref.scheme !== 'containerd') return undefined
        const { name, options } = splitSource(ref.rest)
        const endpoint = endpointOf(options, env, root)
        const { whole, keep: base = false } = ref
        return openImage(endpoint, name, { signal, offline, whole, base })
      })
      hooks.export
        .for('containerd')
        .tapPromise('containerd', async (image, plan, context) =>
          together.load(requestOf(image, plan, context, watching)),
        )
    },
  }
}

function destinationOf(rest: string): Destination {
  const { namespace, name } = parsePlace(rest)
  return {
    exporter: 'containerd',
    options: namespace === undefined ? {} : { namespace },
    references: name === undefined ? [] : [name],
  }
}

async function findRuntime(
  env: Readonly<Record<string, string | undefined>>,
  { offline, signal: ended }: { readonly offline: boolean; readonly signal: AbortSignal },
): Promise<Runtime> {
  const chosen = Boolean(env['CONTAINERD_ADDRESS'])
  const signal = AbortSignal.any([ended, AbortSignal.timeout(probeMs)])
  let address = 'it'
  try {
    const endpoint = endpointOf({}, env, '.')
    const { namespace } = endpoint
    address = endpoint.address
    const client = await reach(endpoint, { signal, offline })
    client.close()
    return { found: true, where: `containerd at ${address} (namespace ${namespace})`, chosen }
  } catch (error) {
    ended.throwIfAborted()
    if (chosen && error instanceof UsageError) throw error
    const hint = error instanceof OrchError && error.hint !== undefined ? ` (${error.hint})` : ''
    const said = signal.aborted
      ? `${address} does not answer within ${probeMs / 1000} s`
      : `${messageOf(error)}${hint}`
    return { found: false, why: `containerd: ${said}`, chosen }
  }
}
