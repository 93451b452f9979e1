import {
  formatPlatform,
  missingError,
  OrchError,
  type PlatformManifest,
  platformManifests,
  surveyGraph,
} from '@orch/oci'
import { incomplete } from './incomplete.ts'
import { type Item, itemOf } from './items.ts'
import { giveNames, type Naming } from './naming.ts'
import { type Chosen, chosenPlatforms } from './platforms.ts'
import { type Request, whatOf } from './request.ts'
import type { Count } from './send.ts'
import { sendItems } from './send-items.ts'
import { takeAway } from './take-away.ts'

/** What became of an image. */
export interface Loaded {
  readonly items: readonly Item[]
  /** Those that stay out though nobody said so. */
  readonly leftOut: readonly PlatformManifest[]
  readonly sent: Count
}

/**
 * Brings an image into an engine that keeps one platform a name (a graph driver). What the engine has
 * already is not sent; names are given last, to images that were looked at. Throws `PLATFORM_MISSING`,
 * `IMAGE_INCOMPLETE`, `DOCKER_INCOMPLETE`, and what the engine's calls throw.
 */
export async function loadPlatforms(request: Request): Promise<Loaded> {
  const { engine, image, names, platforms, context } = request
  const { signal } = context
  const manifests = await platformManifests(image, signal)
  const chosen = chosenPlatforms(manifests, names, {
    wanted: platforms,
    native: engine.info.platform,
    what: whatOf(request),
  })
  const items = await Promise.all(
    chosen.map(one => itemOf(image, one, signal).catch(error => tellMissing(request, one, error))),
  )
  // Before anything is sent: an engine that does not take a name says so.
  const namings: Naming[] = []
  for (const { id, names } of items)
    for (const name of names) {
      const before = (await engine.inspect(name, signal))?.id
      if (before !== id) namings.push({ name, id, before })
    }
  const lacking: Item[] = []
  for (const item of items)
    if ((await engine.inspect(item.id, signal)) === undefined) lacking.push(item)
  const sent =
    lacking.length === 0
      ? { blobs: 0, bytes: 0 }
      : await request.underway.oneOfFew(() => bring(request, lacking), signal)
  try {
    for (const item of items) if (!lacking.includes(item)) await check(request, item)
    await giveNames(request, namings, ({ id }, found) =>
      found?.id === id ? undefined : `it is ${found?.id ?? 'not there'}, not ${id}`,
    )
  } catch (error) {
    await takeAwayItems(request, lacking)
    throw error
  }
  const taken = new Set(chosen.map(({ descriptor }) => descriptor.digest))
  const leftOut =
    platforms === undefined || platforms === 'all'
      ? manifests.filter(({ descriptor }) => !taken.has(descriptor.digest))
      : []
  return { items, leftOut, sent }
}

/** Brings platforms that the engine lacks; none of them stays when one fails. */
async function bring(request: Request, items: readonly Item[]): Promise<Count> {
  try {
    const sent = await sendItems(request, items)
    for (const item of items) await check(request, item)
    return sent
  } catch (error) {
    await takeAwayItems(request, items)
    throw error
  }
}

/** Those that were not there before. */
async function takeAwayItems(request: Request, items: readonly Item[]): Promise<void> {
  const ids = items.map(({ id }) => id)
  await takeAway(request, ids, [])
}

/** Throws an error that says all that is missing, if anything is. */
async function tellMissing(
  request: Request,
  { descriptor }: Chosen,
  error: unknown,
): Promise<never> {
  if (!(error instanceof OrchError && error.code === 'BLOB_MISSING')) throw error
  const { content } = request.image
  const survey = await surveyGraph({ root: descriptor, content }, request.context)
  throw survey.missing.length === 0 ? error : missingError(survey, whatOf(request))
}

/** Looks whether the engine has what it was sent. Throws `DOCKER_INCOMPLETE`. */
async function check({ engine, image, context }: Request, item: Item): Promise<void> {
  const digest = item.id
  const found = await engine.inspect(digest, context.signal)
  const what = `image ${image.name} (${formatPlatform(item.platform)})`
  if (found === undefined) throw incomplete(engine.where, what, `${digest} is not there`)
  if (found.id !== digest) throw incomplete(engine.where, what, `it is ${found.id}, not ${digest}`)
  const { os, architecture } = found.platform
  // A config that says nothing leaves it open.
  const isOther = (said: string, wanted: string): boolean => !['', 'unknown', wanted].includes(said)
  if (isOther(os, item.platform.os) || isOther(architecture, item.platform.architecture))
    throw incomplete(engine.where, what, `it is for ${formatPlatform(found.platform)}`)
  const wanted = item.layers.map(({ diffId }) => diffId)
  if (found.diffIds.join() !== wanted.join())
    throw incomplete(engine.where, what, 'its layers are others')
}
