import { atOnce, formatPlatform, messageOf, OrchError, type Platform, toError } from '@orch/oci'
import { freeze } from '../freeze.ts'
import type { Base, BuiltImage, BuiltManifest, ImageResult, Target } from '../types/build.ts'
import type {
  BuildContext,
  CompiledContext,
  ImageContext,
  TargetContext,
} from '../types/context.ts'
import type { ImagePlan } from '../types/plan.ts'
import { basesOf, readBase, sharedBase } from './base.ts'
import { packLayer } from './layers.ts'
import { runStage, type Workshop } from './stage.ts'
import { stages } from './stages.ts'

/** Builds and exports one image. Never throws: what went wrong is in the result. */
export async function buildImage(
  image: ImagePlan,
  build: BuildContext,
  workshop: Workshop,
): Promise<ImageResult> {
  const context: ImageContext = { ...build, image }
  const began = performance.now()
  try {
    const built = await assemble(context, workshop)
    build.events.emit({
      type: 'image.done',
      image: image.name,
      digest: built.root.digest,
      milliseconds: performance.now() - began,
    })
    const images = build.plan.images.map(({ name }) => name)
    const exporting = { ...context, images }
    const { results, errors } = await runStage(stages.export, built, exporting, workshop)
    return { name: image.name, image: built, exports: results, errors }
  } catch (error) {
    const errors = (error instanceof AggregateError ? error.errors : [error]).map(toError)
    for (const item of errors) {
      const code = build.signal.aborted
        ? 'INTERRUPTED'
        : item instanceof OrchError
          ? item.code
          : 'BUILD_FAILED'
      build.events.emit({ type: 'image.failed', image: image.name, code, message: messageOf(item) })
    }
    return { name: image.name, exports: [], errors }
  }
}

async function assemble(context: ImageContext, workshop: Workshop): Promise<BuiltImage> {
  const source = basesOf(context, workshop)
  const platforms = await runStage(stages.resolvePlatforms, source, context, workshop)
  context.events.emit({
    type: 'image.platforms',
    image: context.image.name,
    platforms: platforms.map(formatPlatform),
  })
  const bases = await atOnce(platforms, async platform => {
    const chosen = await source.choose(platform)
    return chosen === undefined ? undefined : readBase(chosen, context)
  })
  const settled = await Promise.allSettled(
    platforms.map((platform, at) => buildTarget(platform, bases[at], context, workshop)),
  )
  const errors = settled.filter(item => item.status === 'rejected').map(item => item.reason)
  if (errors.length > 0) throw new AggregateError(errors, `image ${context.image.name} failed`)
  const manifests = settled.filter(item => item.status === 'fulfilled').map(item => item.value)
  return runStage(stages.index, { manifests, base: sharedBase(bases) }, context, workshop)
}

async function buildTarget(
  platform: Platform,
  base: Base | undefined,
  image: ImageContext,
  workshop: Workshop,
): Promise<BuiltManifest> {
  const began = performance.now()
  const target: Target = freeze({ image: image.image, platform, base })
  const context: TargetContext = {
    ...image,
    target,
    platform,
    platformName: formatPlatform(platform),
    action: (action, run) =>
      image.action(action, run, { image: image.image.name, platform: formatPlatform(platform) }),
    layer: (entries, request) => packLayer(entries, request, image.image.compression, context),
  }
  const compiled = await runStage(stages.compile, target, context, workshop)
  if (compiled.kind === 'image') workshop.sources.adopt(compiled.source)
  const compiledContext: CompiledContext = { ...context, compiled }
  const layered = await runStage(stages.layer, undefined, compiledContext, workshop)
  const built = await runStage(stages.manifest, layered, compiledContext, workshop)
  const place = { image: image.image.name, platform: context.platformName }
  context.events.emit({
    type: 'target.done',
    ...place,
    digest: built.descriptor.digest,
    milliseconds: performance.now() - began,
  })
  return built
}
