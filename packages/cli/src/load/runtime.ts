import type { Plugin, Runtime } from '@orch/core'
import { messageOf, OrchError, UsageError } from '@orch/oci'

/** The runtime that `orch load` puts images into. */
export interface ChosenRuntime {
  /** Such as `docker`: what `Project.toPlan` takes. */
  readonly exporter: string
  /** What is to be said of the choice, a line each, in the words of `orch load`. */
  readonly notes: readonly string[]
}

type Probe = {
  readonly exporter: string
  readonly runtime: Runtime
  /** What the environment says wrongly of it. */
  readonly wrong?: UsageError
}

/** The exporters that load into a runtime of this machine, in the order of the plugins. */
export function runtimeNames(plugins: readonly Plugin[]): readonly string[] {
  return plugins.flatMap(({ runtimes = {} }) => Object.keys(runtimes))
}

/**
 * The runtime of this machine: one that an environment variable names, else the first that is there in
 * the order of the plugins. Throws `RUNTIME_MISSING` when none is there, or not the one that is named,
 * a plugin's `UsageError` when that one cannot be what is meant, and the signal's reason.
 */
export async function chooseRuntime(
  plugins: readonly Plugin[],
  env: Readonly<Record<string, string | undefined>>,
  {
    offline = false,
    signal = new AbortController().signal,
  }: { readonly offline?: boolean; readonly signal?: AbortSignal } = {},
): Promise<ChosenRuntime> {
  const asked = plugins.flatMap(({ runtimes = {} }) => Object.entries(runtimes))
  const probes = await Promise.all(
    asked.map(async ([exporter, look]): Promise<Probe> => {
      try {
        const runtime: Runtime | undefined = await look(env, { offline, signal })
        if (typeof runtime?.found !== 'boolean') throw new Error('its plugin gave no answer')
        return { exporter, runtime }
      } catch (error) {
        signal.throwIfAborted()
        const why = `${exporter}: ${messageOf(error)}`
        return error instanceof UsageError
          ? { exporter, runtime: { found: false, why, chosen: true }, wrong: error }
          : { exporter, runtime: { found: false, why } }
      }
    }),
  )
  const chosen =
    probes.find(({ runtime }) => runtime.chosen === true) ??
    probes.find(({ runtime }) => runtime.found)
  if (chosen?.wrong !== undefined) throw chosen.wrong
  if (chosen === undefined || !chosen.runtime.found) throw missing(probes, chosen)
  const { exporter, runtime } = chosen
  const others = probes.filter(probe => probe !== chosen).map(noteOf)
  return { exporter, notes: [`loading into ${runtime.where}`, ...others] }
}

function noteOf({ exporter, runtime }: Probe): string {
  return runtime.found
    ? `also there: ${runtime.where}; choose it with --to ${exporter}`
    : `not there: ${runtime.why}`
}

function missing(probes: readonly Probe[], named: Probe | undefined): OrchError {
  const why = (named === undefined ? probes : [named]).flatMap(({ runtime }) =>
    runtime.found ? [] : runtime.why,
  )
  const what =
    named === undefined
      ? 'no container runtime is there to load into'
      : 'the container runtime that the environment names is not there'
  return new OrchError('RUNTIME_MISSING', [what, ...why].join('\n'), {
    hint: 'Start one, name it with --to, or write a file: orch build --export oci-archive.',
  })
}
