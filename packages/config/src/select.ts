import { basename, dirname, join } from 'node:path'
import { basesNamed, freeze, type ImagePlan, type Plan, type Plugin } from '@orch/core'
import { didYouMean, UsageError } from '@orch/oci'
import { exportFor } from './destinations.ts'
import { exportPlans } from './export-plans.ts'
import type { ExportText } from './export-text.ts'
import { checkLocked, lockableBases } from './lock/bases.ts'
import { type Locks, lockFileOf, readLocks } from './lock/file.ts'
import { parsePlatforms } from './platforms.ts'
import type { CheckedConfig } from './schema/config.ts'
import type { Tables } from './tables.ts'
import { normalizeTag } from './tags.ts'

/** What the command line asks for; what it leaves out, the project file decides. */
export interface Selection {
  /** Names of images; by default all. */
  readonly images?: readonly string[]
  /** Instead of every image's own. */
  readonly platforms?: readonly string[]
  /** Instead of the project file's. */
  readonly exports?: readonly ExportText[]
  /** Instead of the image's own: only one image may be selected. */
  readonly tags?: readonly string[]
  /** Every base in a registry must be held by the lock file, and nothing else. */
  readonly locked?: boolean
}

/** Of what a plan is made. */
export interface Planned {
  readonly root: string
  readonly file: string
  /** The project file as messages name it. */
  readonly name: string
  readonly config: CheckedConfig
  readonly tables: Tables
  readonly plugins: readonly Plugin[]
}

/**
 * The plan for a selection, frozen. Throws `IMAGE_UNKNOWN`, `TAG_AMBIGUOUS`, `REFERENCE_INVALID`,
 * `PLATFORM_INVALID`, `EXPORTER_UNKNOWN`, `EXPORT_INVALID` for options that the exporter refuses,
 * `LOCK_INVALID`, and `LOCK_STALE` when a lock is asked for and lacks a base, or holds what no image has.
 */
export async function planFor(project: Planned, selection: Selection): Promise<Plan> {
  const { root, file, name, config, tables, plugins } = project
  const images = selectImages(project, selection.images ?? [])
  const platforms = parsePlatforms(selection.platforms ?? [])
  const tags = [...new Set((selection.tags ?? []).map(normalizeTag))]
  if (tags.length > 0 && images.length > 1) {
    const names = images.map(({ name }) => name)
    throw new UsageError(
      'TAG_AMBIGUOUS',
      `a tag is for one image, but ${names.join(', ')} are selected`,
      {
        hint: `Name one image, such as: orch build ${names[0]} -t ${tags[0]}`,
      },
    )
  }
  const wanted = await Promise.all(
    (selection.exports ?? []).map(async item => ({
      ...item,
      label: `--export ${item.exporter}`,
      instead: await exportFor(item.exporter, plugins, root),
    })),
  )
  const exports = await exportPlans(wanted, tables.exporters)
  const lockFile = lockFileOf(file)
  const locks = await readLocks(lockFile)
  if (selection.locked === true) {
    const shown = join(dirname(name), basename(lockFile))
    const needed = lockableBases(images, plugins)
    checkLocked(needed, lockableBases(config.images, plugins), locks, shown)
  }
  const held = locksOf(images, locks ?? {})
  return freeze({
    root,
    file,
    ...(Object.keys(held).length === 0 ? {} : { locks: held }),
    images: images.map(image => ({
      ...image,
      ...(platforms.length === 0 ? {} : { platforms }),
      ...(tags.length === 0 ? {} : { tags }),
    })),
    exports: exports.length === 0 ? config.exports : exports,
  })
}

/** What a lock says of the bases of these images. */
function locksOf(images: readonly ImagePlan[], locks: Locks): Locks {
  const named = new Set(images.flatMap(basesNamed))
  return Object.fromEntries(Object.entries(locks).filter(([base]) => named.has(base)))
}

function selectImages(
  { config, name: file }: Planned,
  wanted: readonly string[],
): readonly ImagePlan[] {
  const known = config.images.map(({ name }) => name)
  for (const name of wanted) {
    if (known.includes(name)) continue
    const message = `${file} has no image ${JSON.stringify(name)}; it has ${known.join(', ')}`
    const hint = didYouMean(name, known)
    throw new UsageError('IMAGE_UNKNOWN', message, hint === undefined ? {} : { hint })
  }
  return wanted.length === 0
    ? config.images
    : config.images.filter(({ name }) => wanted.includes(name))
}
