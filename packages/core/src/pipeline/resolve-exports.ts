import type { Image } from '../types/build.ts'
import type { BuildContext } from '../types/context.ts'
import type { Workshop } from './stage.ts'

/** Shows plugins every export of a run. Throws what they throw: then nothing may be built or written. */
export async function resolveExports(
  images: readonly Pick<Image, 'name' | 'references'>[],
  context: BuildContext,
  { hooks }: Workshop,
): Promise<void> {
  const exports = context.plan.exports.flatMap(plan =>
    images.map(({ name, references }) => ({
      image: name,
      references: plan.references ?? references,
      plan,
    })),
  )
  await hooks.exportsResolved.promise(exports, context)
}
