import type { ExportResult } from '@orch/core'
import { type ContentSource, type Digest, OrchError, parseReference, toError } from '@orch/oci'
import { type Content, contentOf } from './content.ts'
import { runTogether } from './run.ts'
import type { Load, Request } from './session.ts'
import { Slots } from './slots.ts'

type Outcome = ExportResult | Error

/** Images that are loaded at once: each has connections and documents of its own in memory. */
const runs = new Slots(4)

interface Waiting {
  readonly request: Request
  readonly settle: (outcome: Outcome) => void
}

/** Gathers the exports of one image that are asked for in one go, so that each of its blobs is read once for all daemons. */
export class Together {
  readonly #waiting = new WeakMap<ContentSource, Map<Digest, Waiting[]>>()

  /** Settles when this request has; what becomes of the others does not matter to it. */
  async load(request: Request): Promise<ExportResult> {
    const { content, root } = request.image
    const outcome = await new Promise<Outcome>(settle => {
      const images = this.#waiting.get(content) ?? new Map<Digest, Waiting[]>()
      this.#waiting.set(content, images)
      const waiting = images.get(root.digest)
      if (waiting !== undefined) waiting.push({ request, settle })
      else {
        const own = [{ request, settle }]
        images.set(root.digest, own)
        // The exports of an image are begun side by side: by then, all have come.
        setImmediate(() => {
          images.delete(root.digest)
          runs.run([], () => settleAll(own))
        })
      }
    })
    if (outcome instanceof Error) throw outcome
    return outcome
  }
}

async function settleAll(waiting: readonly Waiting[]): Promise<void> {
  const surveyed = new Map<string, Promise<Content>>()
  const loads: { load: Load; settle: Waiting['settle'] }[] = []
  try {
    for (const { request, settle } of waiting) {
      const outcome = await survey(request, surveyed).then(checkNames(request)).catch(toError)
      if (outcome instanceof Error) settle(outcome)
      else loads.push({ load: { ...request, content: outcome }, settle })
    }
    const outcomes = await runTogether(loads.map(({ load }) => load))
    for (const [at, { settle }] of loads.entries()) settle(outcomes[at] ?? new Error('no outcome'))
  } catch (error) {
    for (const { settle } of waiting) settle(toError(error))
  }
}

/** A name that pins a digest must be of the image that gets it. Throws `NAME_DIGEST`. */
function checkNames({ names, image }: Request): (content: Content) => Content {
  return content => {
    const { digest } = content.source.root
    const wrong = names.find(name => (parseReference(name).digest ?? digest) !== digest)
    if (wrong === undefined) return content
    const message = `image ${image.name} is ${digest}, and cannot be called ${wrong}`
    throw new OrchError('NAME_DIGEST', message, {
      hint: 'Give it another name: --name, or a name in the destination.',
    })
  }
}

/** The content of a request; that of the same platforms is looked at once. */
function survey(
  { image, options, context }: Request,
  surveyed: Map<string, Promise<Content>>,
): Promise<Content> {
  const { platforms } = options
  const key = JSON.stringify(platforms ?? 'all')
  const found = surveyed.get(key)
  if (found !== undefined) return found
  const what = `image ${image.name}`
  const content = contentOf(image, { platforms, what, signal: context.signal })
  surveyed.set(key, content)
  return content
}
