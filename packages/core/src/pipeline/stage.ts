import type { StageName } from '../events.ts'
import { freeze } from '../freeze.ts'
import type { Hooks } from '../hooks.ts'
import type { Sources } from '../sources.ts'
import type { BuildContext, TargetContext } from '../types/context.ts'

/** What the stages of one build share. */
export interface Workshop {
  readonly hooks: Hooks
  readonly sources: Sources
}

/** What every stage knows: whose it is. */
type StageContext = BuildContext & { readonly image: { readonly name: string } }

/** One step of the pipeline: what it takes, what it makes of it. Its result is frozen and handed on. */
export interface Stage<In, Out, Context extends StageContext = TargetContext> {
  readonly name: StageName
  run(input: In, context: Context, workshop: Workshop): Promise<Out>
}

/** Runs a stage, says when it began and how it ended, and freezes what it made. */
export async function runStage<In, Out, Context extends StageContext>(
  stage: Stage<In, Out, Context>,
  input: In,
  context: Context,
  workshop: Workshop,
): Promise<Out> {
  const platform = 'platformName' in context ? { platform: context.platformName as string } : {}
  const place = { image: context.image.name, ...platform, stage: stage.name }
  const began = performance.now()
  const took = (): number => performance.now() - began
  context.signal.throwIfAborted()
  context.events.emit({ type: 'stage.start', ...place })
  try {
    const output = await stage.run(input, context, workshop)
    context.signal.throwIfAborted()
    context.events.emit({ type: 'stage.done', ...place, milliseconds: took() })
    return freeze(output)
  } catch (error) {
    context.events.emit({ type: 'stage.failed', ...place, milliseconds: took() })
    throw error
  }
}
