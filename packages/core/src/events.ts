import type { Digest } from '@orch/oci'
import type { ExportResult } from './types/build.ts'

/** Where an event belongs: an image by name, a platform as `os/arch[/variant]`. */
export interface Place {
  readonly image?: string
  readonly platform?: string
}

/** Which export of an image is meant. */
export interface ExportPlace {
  readonly exporter: string
  /** What tells it from another export by the same exporter, such as the address. */
  readonly place?: string
}

/** The steps of a target and of an image, in order; `fetch` when nothing is built. */
export type StageName =
  | 'resolvePlatforms'
  | 'fetch'
  | 'compile'
  | 'layer'
  | 'manifest'
  | 'index'
  | 'export'

/** Everything that a build says while it runs. Times are milliseconds since the build began. */
export type Event = { readonly at: number } & Place &
  (
    | {
        readonly type: 'build.start'
        readonly images: readonly string[]
        readonly exports: readonly string[]
      }
    | { readonly type: 'build.done'; readonly ok: boolean; readonly milliseconds: number }
    | { readonly type: 'image.platforms'; readonly platforms: readonly string[] }
    | { readonly type: 'image.done'; readonly digest: Digest; readonly milliseconds: number }
    | { readonly type: 'image.failed'; readonly code: string; readonly message: string }
    | { readonly type: 'stage.start'; readonly stage: StageName }
    | { readonly type: 'stage.done'; readonly stage: StageName; readonly milliseconds: number }
    | { readonly type: 'stage.failed'; readonly stage: StageName; readonly milliseconds: number }
    | { readonly type: 'target.done'; readonly digest: Digest; readonly milliseconds: number }
    /** One call of one plugin's tap. */
    | {
        readonly type: 'tap'
        readonly hook: string
        readonly plugin: string
        readonly milliseconds: number
        readonly ok: boolean
      }
    /** Work whose result is remembered; `hit` means that it did not run. `kind` is `compile`, `compress`, `verify` (of a base), or a plugin's own. */
    | {
        readonly type: 'action'
        readonly kind: string
        readonly key: string
        readonly hit: boolean
        readonly milliseconds: number
      }
    /** A program ran. */
    | {
        readonly type: 'process'
        readonly command: readonly string[]
        readonly exitCode: number
        readonly milliseconds: number
      }
    /**
     * Bytes on their way to or from a medium: for each `what` (a digest, or a word), how many of how
     * many. Several may be on their way at once; whoever shows it adds up what belongs to one image,
     * exporter and place. So that the sum is right from the start, an exporter announces each blob that
     * it will send with `current` 0, and ends each with `current` = `total`; between, ten a second are enough.
     */
    | ({
        readonly type: 'progress'
        readonly what: string
        /** Bytes. */
        readonly current: number
        readonly total?: number
      } & Partial<ExportPlace>)
    | ({
        readonly type: 'export.done'
        readonly result: ExportResult
        readonly milliseconds: number
      } & Pick<ExportPlace, 'place'>)
    | ({
        readonly type: 'export.failed'
        readonly code: string
        readonly message: string
      } & ExportPlace)
    | { readonly type: 'log'; readonly level: 'info' | 'warning'; readonly message: string }
  )

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never
/** An event before its time is put on. */
export type EventInput = WithoutTime<Event>
export type Listener = (event: Event) => void

/** The one channel of a build. Listeners run at once, in the order of subscription, and must not throw. */
export interface Events {
  emit(event: EventInput): void
  /** Returns the function that ends the subscription. */
  subscribe(listener: Listener): () => void
}

export function createEvents(): Events {
  const began = performance.now()
  const listeners = new Set<Listener>()
  return {
    emit(event) {
      const timed = { at: Math.round(performance.now() - began), ...event } as Event
      for (const listener of listeners) listener(timed)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
