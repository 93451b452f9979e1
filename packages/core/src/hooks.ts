import type { ImageSource, Platform } from '@orch/oci'
import { AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook, HookMap } from 'tapable'
import type {
  BuildResult,
  Compiled,
  ExportPlan,
  ExportResult,
  Image,
  IndexDraft,
  Layer,
  ManifestDraft,
  PlannedExport,
  SourceRef,
  Target,
} from './types/build.ts'
import type {
  BuildContext,
  CompiledContext,
  ExportContext,
  ImageContext,
  ShutdownContext,
  TargetContext,
} from './types/context.ts'
import type { Plan } from './types/plan.ts'

/** Every hook of a build. A waterfall's tap returns a new value, or undefined to leave it as it is. */
export interface Hooks {
  /** Once, before anything is built or fetched: the plan is settled. */
  readonly configResolved: AsyncSeriesHook<[plan: Plan, context: BuildContext]>
  /**
   * Once, before anything is built or written: every export of every image is known. A tap throws when
   * one of them cannot be, or two cannot be together.
   */
  readonly exportsResolved: AsyncSeriesHook<
    [exports: readonly PlannedExport[], context: BuildContext]
  >
  /** Opens images that exist. The first tap that answers wins. */
  readonly source: AsyncSeriesBailHook<
    [ref: SourceRef, context: BuildContext],
    ImageSource | undefined
  >
  /** Per image: the platforms to build, `all` and `local` already spelled out. */
  readonly resolvePlatforms: AsyncSeriesWaterfallHook<
    [platforms: readonly Platform[], context: ImageContext]
  >
  /** Per image, when what it needs is to be fetched beforehand: bring to this machine what its build asks the network for. */
  readonly fetch: AsyncSeriesHook<[platforms: readonly Platform[], context: ImageContext]>
  /** Per target: the builder that claims it answers. */
  readonly compile: AsyncSeriesBailHook<
    [target: Target, context: TargetContext],
    Compiled | undefined
  >
  /** Per target: what lies between the base and the compiled files; a tap with `stage` > 100 comes above them. */
  readonly layer: AsyncSeriesWaterfallHook<[layers: readonly Layer[], context: CompiledContext]>
  /** Per target: config and annotations. */
  readonly manifest: AsyncSeriesWaterfallHook<[draft: ManifestDraft, context: CompiledContext]>
  /** Per image: the index. */
  readonly index: AsyncSeriesWaterfallHook<[draft: IndexDraft, context: ImageContext]>
  /** Per image and chosen exporter, by the exporter's name. All settle; one failure does not stop the others. */
  readonly export: HookMap<
    AsyncSeriesBailHook<
      [image: Image, plan: ExportPlan, context: ExportContext],
      ExportResult | undefined
    >
  >
  /** Every image was built and exported. */
  readonly done: AsyncSeriesHook<[result: BuildResult, context: BuildContext]>
  /** Something failed. */
  readonly failed: AsyncSeriesHook<[result: BuildResult, context: BuildContext]>
  /** Always last: close what is open. After an abort there is little time left. */
  readonly shutdown: AsyncSeriesHook<[context: ShutdownContext]>
}

/** Makes every hook: the whole extension surface of orch. */
export function createHooks(): Hooks {
  return {
    configResolved: new AsyncSeriesHook(['plan', 'context']),
    exportsResolved: new AsyncSeriesHook(['exports', 'context']),
    source: new AsyncSeriesBailHook(['ref', 'context']),
    resolvePlatforms: new AsyncSeriesWaterfallHook(['platforms', 'context']),
    fetch: new AsyncSeriesHook(['platforms', 'context']),
    compile: new AsyncSeriesBailHook(['target', 'context']),
    layer: new AsyncSeriesWaterfallHook(['layers', 'context']),
    manifest: new AsyncSeriesWaterfallHook(['draft', 'context']),
    index: new AsyncSeriesWaterfallHook(['draft', 'context']),
    export: new HookMap(() => new AsyncSeriesBailHook(['image', 'plan', 'context'])),
    done: new AsyncSeriesHook(['result', 'context']),
    failed: new AsyncSeriesHook(['result', 'context']),
    shutdown: new AsyncSeriesHook(['context']),
  }
}
