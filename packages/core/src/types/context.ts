import type { Entry, History, Platform } from '@orch/oci'
import type { Action, ActionOutcome, ActionResult, Store } from '@orch/store'
import type { Events, Place } from '../events.ts'
import type { Compiled, Layer, Target } from './build.ts'
import type { ImagePlan, Plan } from './plan.ts'

/** What every tap gets beside its value. */
export interface BuildContext {
  readonly plan: Plan
  /** Aborted by Ctrl-C and by the caller. A tap must settle soon after. */
  readonly signal: AbortSignal
  readonly store: Store
  readonly events: Events
  readonly limits: Limits
  /** Nothing may touch the network. */
  readonly offline: boolean
  /** What the operator allowed by `--allow`: names of things that a project file alone may not ask for. */
  readonly allow: ReadonlySet<string>
  /** The environment of the process that builds. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Seconds since 1970 for everything that carries a time: SOURCE_DATE_EPOCH, else 0. */
  readonly epoch: number
  /** `store.action`, with events that say whether it ran. */
  action(action: Action, run: () => Promise<ActionResult>, place?: Place): Promise<ActionOutcome>
}

/** What `shutdown` taps get. */
export type ShutdownContext = Pick<BuildContext, 'signal' | 'events'>

/** What exporters get. */
export interface ExportContext extends BuildContext {
  /** Whose export it is. */
  readonly image: { readonly name: string }
  /** The names of all images of this run: they may want the same place. */
  readonly images: readonly string[]
}

/** What taps get that work for one image. */
export interface ImageContext extends BuildContext {
  readonly image: ImagePlan
}

/** What taps get that work for one image and platform. */
export interface TargetContext extends ImageContext {
  readonly target: Target
  readonly platform: Platform
  /** The platform as events and messages show it. */
  readonly platformName: string
  /** Packs entries into a layer with the image's compression; remembered by content, so that equal entries are packed once. */
  layer(entries: readonly Entry[], options: LayerRequest): Promise<Layer>
}

/** What `layer` and `manifest` taps get. */
export interface CompiledContext extends TargetContext {
  readonly compiled: Compiled
}

export interface LayerRequest {
  /** Who makes it: the plugin's name. */
  readonly from: string
  /** Its line in the image's history; `created` is filled in. */
  readonly history?: History
}

/** How much of what may run at once. Never ask for one inside the other's work of the same kind. */
export interface Limits {
  /** Work that keeps a core busy. */
  cpu<T>(work: () => Promise<T>): Promise<T>
  /** Transfers. */
  network<T>(work: () => Promise<T>): Promise<T>
}
