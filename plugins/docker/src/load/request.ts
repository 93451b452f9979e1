import type { ExportContext, Image } from '@orch/core'
import type { Engine } from '../engine/types.ts'
import type { Wanted } from '../options.ts'
import type { Underway } from './underway.ts'

/** One image on its way into an engine. */
export interface Request {
  readonly engine: Engine
  /** What the other loads into the same engine bring. */
  readonly underway: Underway
  readonly image: Image
  /** As the engine shows them; at least one. */
  readonly names: readonly string[]
  /** Undefined for what the engine's store can hold. */
  readonly platforms: Wanted | undefined
  readonly exporter: string
  readonly context: ExportContext
}

/** How messages name the image. */
export function whatOf({ image }: Request): string {
  return `image ${image.name}`
}

/** Tells people of something that is not as they may expect. */
export function note(
  { image, context }: Request,
  message: string,
  level: 'info' | 'warning' = 'info',
): void {
  context.events.emit({ type: 'log', level, image: image.name, message })
}
