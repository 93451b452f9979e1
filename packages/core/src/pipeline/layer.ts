import type { ImageSource } from '@orch/oci'
import { manifestFor } from '@orch/oci'
import { freeze } from '../freeze.ts'
import type { Hooks } from '../hooks.ts'
import type { Base, Layer } from '../types/build.ts'
import type { CompiledContext, TargetContext } from '../types/context.ts'
import { readImage } from './base.ts'
import type { Stage } from './stage.ts'

/** What the layers of a target stand on, and the layers. */
export interface Layered {
  /** The base, or the image that the builder brought. */
  readonly under: Pick<Base, 'config' | 'layers' | 'annotations'> | undefined
  readonly layers: readonly Layer[]
  /** The manifest that stays as it is when nothing is added. */
  readonly prebuilt?: { readonly source: ImageSource; readonly descriptor: ImageSource['root'] }
}

/** The base's layers, then what plugins add, then the compiled files. */
export const layer: Stage<void, Layered, CompiledContext> = {
  name: 'layer',
  async run(_, context, { hooks }) {
    const { compiled, target, signal } = context
    if (compiled.kind === 'files') {
      const layers = await hooks.layer.promise(target.base?.layers ?? freeze([]), context)
      return { under: target.base, layers }
    }
    const { source } = compiled
    const what = `image ${target.image.name}: what its builder made`
    const { descriptor } = await manifestFor(source, target.platform, { what, signal })
    const under = freeze(await readImage(source, descriptor, signal))
    return {
      under,
      layers: await hooks.layer.promise(under.layers, context),
      prebuilt: { source, descriptor },
    }
  },
}

/** The stage of orch's own tap: plugins that tap before it lie below the compiled files. */
const compiledFilesStage = 100

/** Core's own tap: the compiled files become a layer. */
export function tapCompiledFiles(hooks: Hooks): void {
  hooks.layer.tapPromise({ name: 'orch', stage: compiledFilesStage }, async (layers, context) => {
    const { compiled } = context
    if (compiled.kind !== 'files' || compiled.entries.length === 0) return layers
    const history = { created_by: compiled.createdBy }
    return [...layers, await context.layer(compiled.entries, { from: 'orch', history })]
  })
}

/** The one time that everything of a build carries, RFC 3339. */
export function createdAt({ epoch }: Pick<TargetContext, 'epoch'>): string {
  return `${new Date(epoch * 1000).toISOString().slice(0, 19)}Z`
}
