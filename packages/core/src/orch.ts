import * as oci from '@orch/oci'
import { type Digest, type ImageSource, messageOf, OrchError, toError, UsageError } from '@orch/oci'
import { openStore, type StoreOptions } from '@orch/store'
import { createEvents, type Events } from './events.ts'
import { hooksFor } from './facade.ts'
import { abandonable, abortGraceMs, guardHooks } from './guard.ts'
import { createHooks, type Hooks } from './hooks.ts'
import { createLimits } from './limits.ts'
import { exportImages } from './pipeline/export-images.ts'
import { fetchImages } from './pipeline/fetch-images.ts'
import { buildImage } from './pipeline/image.ts'
import { tapCompiledFiles } from './pipeline/layer.ts'
import { resolveExports } from './pipeline/resolve-exports.ts'
import type { Workshop } from './pipeline/stage.ts'
import { Sources } from './sources.ts'
import type { BuildResult, Exported, FetchResult, Image, ImageResult } from './types/build.ts'
import type { BuildContext, Limits } from './types/context.ts'
import type { ExportPlan, Plan } from './types/plan.ts'
import type { Plugin, Settings } from './types/plugin.ts'

export interface OrchOptions {
  readonly plugins: readonly Plugin[]
  /** The project folder: what relative paths of sources and plans start from. */
  readonly root: string
  readonly signal?: AbortSignal
  /** What the project file holds for plugins (`Plugin.projectKeys`). */
  readonly settings?: Settings
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
  /**
   * Brings into the store what a build of the plan asks the network for, so that it then works offline.
   * Does not throw for what goes wrong: the result tells.
   */
  fetch(plan: Plan): Promise<FetchResult>
  /**
   * Hands images that exist to exporters; each settles on its own. Does not throw for what goes wrong:
   * the answer tells, in the order of the images. The options of the exports must be checked already, as
   * `ExportPlan` says.
   */
  export(images: readonly Image[], exports: readonly ExportPlan[]): Promise<readonly Exported[]>
  /**
   * Opens an image that exists: `oci:dist`, `docker-archive:x.tar`, `static`. With `whole`, a medium
   * named without an image opens with all its images below one root.
   */
  open(source: string, options?: { readonly whole?: boolean }): Promise<ImageSource>
  close(): Promise<void>
}

/** Sets plugins up. Throws `PLUGIN_SETUP_FAILED`, `HOOK_UNKNOWN`, `EPOCH_INVALID`, and what opening the store throws. */
export async function createOrch(options: OrchOptions): Promise<Orch> {
  const { plugins, root, abortGrace = abortGraceMs } = options
  const signal = options.signal ?? new AbortController().signal
  const env = options.env ?? process.env
  const epoch = epochOf(env)
  const hooks = createHooks()
  guardHooks(hooks, abortGrace)
  tapCompiledFiles(hooks)
  for (const plugin of plugins) {
    const place = { hook: 'setup', plugin: plugin.name }
    await abandonable(setUp(plugin, hooks, options), signal, abortGrace, place)
  }
  const schemes = new Set(plugins.flatMap(plugin => plugin.sources ?? []))
  const opened: Sources[] = []
  const newSources = (found?: Map<string, Digest>): Sources => {
    const sources = new Sources(hooks, schemes, found)
    opened.push(sources)
    return sources
  }
  const store = await openStore(options.store)
  const shared = {
    signal,
    store,
    events: createEvents(),
    limits: options.limits ?? createLimits(),
    offline: options.offline ?? false,
    allow: new Set(options.allow),
    env,
    epoch,
  }
  const contextFor = (plan: Plan): BuildContext => ({ ...shared, plan, action: actionOf(shared) })
  const noImages: Plan = { root, images: [], exports: [] }
  const ownSources = newSources()
  return {
    events: shared.events,
    build: async plan => runPlan(plan, contextFor(plan), { hooks, sources: newSources() }),
    fetch: async plan => {
      const found = new Map<string, Digest>()
      return fetchImages(contextFor(plan), { hooks, sources: newSources(found) }, found)
    },
    export: async (images, exports) =>
      exportImages(images, contextFor({ ...noImages, exports }), { hooks, sources: ownSources }),
    open: async (source, { whole = false } = {}) =>
      ownSources.open(source, contextFor(noImages), { whole }),
    async close() {
      const closing = [
        ...opened.map(sources => () => sources.close()),
        () => hooks.shutdown.promise({ signal, events: shared.events }),
        () => store.close(),
      ]
      const errors: unknown[] = []
      for (const close of closing) await close().catch(error => errors.push(error))
      if (errors.length > 0) throw new AggregateError(errors.map(toError), 'closing failed')
    },
  }
}

async function setUp(
  plugin: Plugin,
  hooks: Hooks,
  { root, settings = { values: {}, root } }: OrchOptions,
): Promise<void> {
  const own = Object.entries(settings.values).filter(([key]) =>
    Object.hasOwn(plugin.projectKeys ?? {}, key),
  )
  try {
    await plugin.setup({
      hooks: hooksFor(plugin.name, hooks),
      root,
      settings: { values: Object.fromEntries(own), root: settings.root },
      oci,
    })
  } catch (error) {
    if (error instanceof OrchError) throw error
    const why = `plugin ${plugin.name}: its setup failed: ${messageOf(error)}`
    throw new UsageError('PLUGIN_SETUP_FAILED', why, { cause: error })
  }
}

/** `store.action`, with an event that says whether anything ran. */
function actionOf({
  store,
  events,
}: Pick<BuildContext, 'store' | 'events'>): BuildContext['action'] {
  return async (action, run, place = {}) => {
    const began = performance.now()
    const outcome = await store.action(action, run)
    const { key, hit } = outcome
    const milliseconds = performance.now() - began
    events.emit({ type: 'action', ...place, kind: action.kind, key, hit, milliseconds })
    return outcome
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
  workshop: Workshop,
): Promise<BuildResult> {
  const { events } = context
  const { hooks } = workshop
  const began = performance.now()
  const errors: Error[] = []
  const outside = (error: unknown): void => void errors.push(toError(error))
  const images = plan.images.map(image => image.name)
  events.emit({ type: 'build.start', images, exports: plan.exports.map(item => item.exporter) })
  const resultOf = (results: readonly ImageResult[]): BuildResult => ({
    images: results,
    errors,
    ok: errors.length === 0 && results.every(result => result.errors.length === 0),
    milliseconds: performance.now() - began,
  })
  const named = plan.images.map(({ name, tags }) => ({ name, references: tags }))
  await hooks.configResolved
    .promise(plan, context)
    .then(() => resolveExports(named, context, workshop))
    .catch(outside)
  const results =
    errors.length > 0
      ? []
      : await Promise.all(plan.images.map(image => buildImage(image, context, workshop)))
  const { ok } = resultOf(results)
  await (ok ? hooks.done : hooks.failed).promise(resultOf(results), context).catch(outside)
  const result = resultOf(results)
  events.emit({ type: 'build.done', ok: result.ok, milliseconds: result.milliseconds })
  return result
}
