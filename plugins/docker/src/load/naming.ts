import type { Digest } from '@orch/oci'
import type { EngineImage } from '../engine/types.ts'
import { incomplete } from './incomplete.ts'
import type { Request } from './request.ts'
import { parting } from './take-away.ts'

/** A name that an image in an engine is to get. */
export interface Naming {
  readonly name: string
  readonly id: Digest
  /** The image that has the name so far, if there is one. */
  readonly before: Digest | undefined
}

/**
 * Gives images their names, all of them or none: when one cannot be given, every name goes back to the image
 * that had it. Throws `DOCKER_INCOMPLETE`, and what the engine's calls throw.
 * @param wrong what is wrong with what has the name then, if anything
 */
export async function giveNames(
  request: Request,
  namings: readonly Naming[],
  wrong: (naming: Naming, found: EngineImage | undefined) => string | undefined,
): Promise<void> {
  const { engine, context } = request
  const begun: Naming[] = []
  try {
    for (const naming of namings) {
      const { name, id } = naming
      begun.push(naming)
      const isThere = await engine.tag(id, name, context.signal)
      const found = isThere ? await engine.inspect(name, context.signal) : undefined
      const why = wrong(naming, found)
      if (why !== undefined) throw incomplete(engine.where, name, why)
    }
  } catch (error) {
    await giveBack(request, begun)
    throw error
  }
}

/** What goes wrong here went wrong before, and was told. */
async function giveBack({ engine, context }: Request, namings: readonly Naming[]): Promise<void> {
  await parting(context, async signal => {
    for (const { name, id, before } of namings.toReversed()) {
      try {
        // Somebody else may have given it away by now.
        if ((await engine.inspect(name, signal))?.id !== id) continue
        if (before === undefined) await engine.remove(name, signal)
        else await engine.tag(before, name, signal)
      } catch {
        // An engine that is lost keeps what it has.
      }
    }
  })
}
