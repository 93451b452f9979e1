import * as oci from '@orch/oci'
import { type ImageSource, messageOf, OrchError, UsageError } from '@orch/oci'
import { openStore, type Store, type StoreOptions } from '@orch/store'
import { createEvents, type Events } from './events.ts'
import { hooksFor } from './facade.ts'
import { guardHooks } from './guard.ts'
import { createHooks, type Hooks } from './hooks.ts'
import { createLimits } from './limits.ts'
import { buildImage } from './pipeline/image.ts'
import { tapCompiledFiles } from './pipeline/layer.ts'
import { runStage } from './pipeline/stage.ts'
import { stages } from './pipeline/stages.ts'
import { Sources } from './sources.ts'
import type { BuildResult, Exported, Image } from './types/build.ts'
import type { BuildContext, Limits } from './types/context.ts'
import type { ExportPlan, Plan } from './types/plan.ts'
import type { Plugin } from './types/plugin.ts'

export interface OrchOptions {
  readonly plugins: readonly Plugin[]
  /** The project folder: what relative paths of sources and plans start from. */
  readonly root: string
  readonly signal?: AbortSignal
  readonly store?: StoreOptions
  readonly limits?: Limits
  readonly offline?: boolean
  /** What the operator allows beyond what a project file may ask for. */
  readonly allow?: Iterable<string>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** How long a tap may go on after an abort, in milliseconds; 5000 by default. */
  readonly abortGrace?: number
}

/** A set of plugins with a store: builds plans and opens sources. Close it when done. */
export interface Orch {
  readonly events: Events
  /** Builds and exports every image of a plan. Does not throw for what goes wrong in an image: the result tells. */
  build(plan: Plan): Promise<BuildResult>
  /** Hands an image that exists to exporters; each settles on its own. */
  export(image: Image, exports: readonly ExportPlan[]): Promise<Exported>
  /**
   * Opens an image that exists: `oci:dist`, `docker-archive:x.tar`, `static`. With `whole`, a medium
   * named without an image opens with all its images below one root.
   */
  open(source: string, options?: { readonly whole?: boolean }): Promise<ImageSource>
  close(): Promise<void>
}

/** Sets plugins up. Throws `PLUGIN_SETUP_FAILED`, `HOOK_UNKNOWN`, and what opening the store throws. */
export async function createOrch(options: OrchOptions): Promise<Orch> {
  const hooks = createHooks()
  guardHooks(hooks, options.abortGrace)
  tapCompiledFiles(hooks)
  for (const plugin of options.plugins) await setUp(plugin, hooks, options.root)
  const schemes = new Set(options.plugins.flatMap(plugin => plugin.sources ?? []))
  const sources = new Sources(hooks, schemes)
  const events = createEvents()
  const store = await openStore(options.store)
  const contextFor = (plan: Plan): BuildContext => createContext(plan, store, events, options)
  return {
    events,
    build: async plan => runPlan(plan, contextFor(plan), { hooks, sources }),
    async export(image, exports) {
      const context = { ...contextFor({ root: options.root, images: [], exports }), image }
      return runStage(stages.export, image, context, { hooks, sources })
    },
    open: async (source, { whole = false } = {}) =>
      sources.open(source, contextFor({ root: options.root, images: [], exports: [] }), whole),
    async close() {
      try {
        await sources.close()
        await hooks.shutdown.promise()
      } finally {
        await store.close()
      }
    },
  }
}

async function setUp(plugin: Plugin, hooks: Hooks, root: string): Promise<void> {
  try {
    await plugin.setup({ hooks: hooksFor(plugin.name, hooks), root, oci })
  } catch (error) {
    if (error instanceof OrchError) throw error
    throw new UsageError(
      'PLUGIN_SETUP_FAILED',
      `plugin ${plugin.name}: its setup failed: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

function createContext(
  plan: Plan,
  store: Store,
  events: Events,
  options: OrchOptions,
): BuildContext {
  const env = options.env ?? process.env
  return {
    plan,
    signal: options.signal ?? new AbortController().signal,
    store,
    events,
    limits: options.limits ?? createLimits(),
    offline: options.offline ?? false,
    allow: new Set(options.allow),
    env,
    epoch: epochOf(env),
    async action(action, run, place = {}) {
      const began = performance.now()
      const outcome = await store.action(action, run)
      const { key, hit } = outcome
      events.emit({
        type: 'action',
        ...place,
        kind: action.kind,
        key,
        hit,
        milliseconds: performance.now() - began,
      })
      return outcome
    },
  }
}

/** SOURCE_DATE_EPOCH (reproducible-builds.org), else 0. */
function epochOf(env: Readonly<Record<string, string | undefined>>): number {
  const text = env['SOURCE_DATE_EPOCH']
  if (text === undefined || text === '') return 0
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds <= 253_402_300_799) return seconds
  throw new UsageError(
    'EPOCH_INVALID',
    `SOURCE_DATE_EPOCH is ${JSON.stringify(text)}, expected whole seconds since 1970`,
  )
}

async function runPlan(
  plan: Plan,
  context: BuildContext,
  workshop: { hooks: Hooks; sources: Sources },
): Promise<BuildResult> {
  const { events } = context
  const began = performance.now()
  const images = plan.images.map(image => image.name)
  events.emit({ type: 'build.start', images, exports: plan.exports.map(item => item.exporter) })
  let ok = false
  try {
    await workshop.hooks.configResolved.promise(plan, context)
    const results = await Promise.all(
      plan.images.map(image => buildImage(image, context, workshop)),
    )
    const failed = results.some(result => result.errors.length > 0)
    const result = { images: results, ok: !failed, milliseconds: performance.now() - began }
    await (failed ? workshop.hooks.failed : workshop.hooks.done).promise(result, context)
    ok = !failed
    return result
  } finally {
    events.emit({ type: 'build.done', ok, milliseconds: performance.now() - began })
  }
}
