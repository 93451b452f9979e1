import type { ExportContext, ExportPlan, ExportResult, Image } from '@orch/core'
import { formatPlatform, type GraphNode, type ImageSource, wholeImage } from '@orch/oci'
import type { Repository } from '@orch/registry'
import { changedImage } from '../changes.ts'
import type { RegistryExportOptions } from '../options.ts'
import type { Pool } from '../pool.ts'
import { namesOf, type Target, targetsOf } from '../targets.ts'
import { mismatch, type Pushing, pushBlobs, pushDocuments, putDocument } from './graph.ts'
import { type Referrer, referrersOf } from './referrers.ts'
import { Tally } from './tally.ts'

/**
 * Pushes an image into every repository that it is named for. Tags come last, when everything is in all
 * of them: no tag ever names something that is not whole. Throws `NAME_MISSING`, `IMAGE_INCOMPLETE`,
 * `PLATFORM_MISSING`, `REGISTRY_MISMATCH`, and what the registries throw.
 */
export async function pushImage(
  image: Image,
  plan: ExportPlan,
  context: ExportContext,
  pool: Pool,
): Promise<ExportResult> {
  const options = plan.options as RegistryExportOptions
  const targets = targetsOf(image.name, image.references, options)
  const what = `image ${image.name}`
  const { signal } = context
  const chosen = await wholeImage(image, { platforms: options.platforms, what, signal })
  const changed = await changedImage(image, chosen.source, chosen.manifests, options, context)
  const { source, nodes, manifests } =
    changed === chosen.source ? chosen : await wholeImage(changed, { what, signal })
  const referrers = options.referrers ? await referrersOf(source.content, nodes, context) : []
  const place = { exporter: plan.exporter, place: targets.map(nameOf).join(' ') }
  const pushing: Pushing = { context, tally: new Tally(context, place) }
  const repositories = await Promise.all(
    targets.map(async target => {
      const registries = await pool.of(target.domain, options.insecure, context)
      return { target, repository: registries.repository(target.domain, target.path) }
    }),
  )
  for (const { repository, target } of repositories) {
    // With a tag the root goes last, but what refers to it may want it to be there.
    const isLater = target.tags.length > 0 && referrers.length === 0
    await pushAll(repository, isLater ? nodes.slice(0, -1) : nodes, referrers, pushing)
  }
  for (const { repository, target } of repositories) await tag(repository, target, nodes, pushing)
  return resultOf(plan, image, source, targets, {
    platforms: manifests.map(({ platform }) => formatPlatform(platform)),
    referrers: referrers.length,
    tally: pushing.tally,
  })
}

/** Everything but the tags. */
async function pushAll(
  repository: Repository,
  nodes: readonly GraphNode[],
  referrers: readonly Referrer[],
  pushing: Pushing,
): Promise<void> {
  const all = [nodes, ...referrers.map(referrer => referrer.nodes)]
  await pushBlobs(
    [...new Map(all.flat().map(node => [node.descriptor.digest, node])).values()],
    repository,
    pushing,
  )
  for (const part of all) await pushDocuments(part, repository, pushing)
}

/** Puts the tags on the root, and reads back what each of them names. */
async function tag(
  repository: Repository,
  { tags }: Target,
  nodes: readonly GraphNode[],
  pushing: Pushing,
): Promise<void> {
  const root = nodes.at(-1)
  if (root === undefined || tags.length === 0) return
  const { signal } = pushing.context
  await putDocument(root, tags, nodes, repository, pushing)
  for (const name of tags) {
    const found = await repository.resolve(name, { signal, mirrored: false })
    const { digest } = root.descriptor
    if (found?.descriptor.digest !== digest)
      throw mismatch(`${repository.name}:${name}`, digest, found?.descriptor.digest)
  }
}

function resultOf(
  { exporter }: ExportPlan,
  image: Image,
  { root }: ImageSource,
  targets: readonly Target[],
  told: {
    readonly platforms: readonly string[]
    readonly referrers: number
    readonly tally: Tally
  },
): ExportResult {
  const names = targets.flatMap(target => namesOf(target, root.digest))
  const { sent, mounted, reused } = told.tally
  return {
    exporter,
    image: image.name,
    digest: root.digest,
    location: names[0] ?? '',
    names,
    details: {
      platforms: told.platforms,
      repositories: targets.map(nameOf),
      tags: [...new Set(targets.flatMap(({ tags }) => tags))],
      ...(told.referrers === 0 ? {} : { referrers: told.referrers }),
      sent: { ...sent },
      mounted: { ...mounted },
      reused: { ...reused },
    },
  }
}

function nameOf({ domain, path }: Target): string {
  return `${domain}/${path}`
}
