import { createOrch, type FetchedBase, type FetchResult } from '@orch/core'
import { formatPlatform } from '@orch/oci'
import { exitCodeOf, formatSize } from '@orch/report'
import type { Command } from 'commander'
import { tellFailures } from '../failures.ts'
import type { Runner } from '../runner.ts'
import { openProject, type Session, settingOf } from '../session.ts'
import { addProgress, type ProgressOptions, withProgress } from './output.ts'
import { addImages, type SelectOptions, selectionOf } from './select.ts'

type FetchOptions = SelectOptions & ProgressOptions

const description = [
  'fetch what builds need, so that they then work with --offline',
  'Brings the bases of the images, for the platforms that are built, into the cache, and has builders fetch what they need: Go modules go where the go command keeps them. Bases that orch.lock holds are fetched by their digests. For a month after it was last used offline, the size limit of the cache spares what was fetched.',
].join('\n\n')

/** `orch fetch`: all that the network is needed for, beforehand. */
export function addFetch(program: Command, run: Runner): void {
  const command = program
    .command('fetch')
    .summary('fetch what builds need, so that they then work offline')
    .description(description)
  addProgress(addImages(command, 'images to fetch for; all of the project by default')).action(
    run(fetch),
  )
}

async function fetch(
  session: Session,
  images: readonly string[],
  options: FetchOptions,
): Promise<number> {
  const project = await openProject(session)
  const plan = await project.toPlan(selectionOf(images, options))
  const orch = await createOrch({
    ...settingOf(project),
    root: project.root,
    signal: session.interruption.signal,
  })
  try {
    const result = await withProgress(orch.events, options, () => orch.fetch(plan))
    for (const line of baseLines(result)) session.print(line)
    const errors = [...result.errors, ...result.images.flatMap(image => image.errors)]
    const interrupted = session.interruption.exitCode() !== undefined
    tellFailures(errors, { interrupted, verbose: session.options.verbose })
    return exitCodeOf(errors, interrupted)
  } finally {
    await orch.close()
  }
}

/** A line for each base: what it is, for which platforms, and how much of it is kept. */
function* baseLines({ images }: FetchResult): Generator<string> {
  const bases = new Map<string, FetchedBase[]>()
  for (const base of images.flatMap(image => image.bases)) {
    const key = `${base.ref} ${base.digest}`
    bases.set(key, [...(bases.get(key) ?? []), base])
  }
  for (const [key, some] of bases) {
    const platforms = new Set(some.map(({ platform }) => formatPlatform(platform)))
    const sizes = new Map(some.flatMap(({ blobs }) => blobs.map(item => [item.digest, item.size])))
    const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    yield `${key} ${[...platforms].join(',')} ${formatSize(bytes)}`
  }
}
