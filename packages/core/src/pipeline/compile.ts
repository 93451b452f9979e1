import { UsageError } from '@orch/oci'
import type { Compiled, Target } from '../types/build.ts'
import type { Stage } from './stage.ts'

/** The builder that claims the target makes files, or an image, of it. */
export const compile: Stage<Target, Compiled> = {
  name: 'compile',
  async run(target, context, { hooks }) {
    const compiled = (await hooks.compile.promise(target, context)) as Compiled | undefined
    if (compiled !== undefined) return compiled
    const { name, build } = target.image
    throw new UsageError(
      'BUILDER_MISSING',
      `image ${name}: no plugin built ${context.platformName} with the builder ${build.builder}`,
    )
  },
}
