import type { ExportPlan, ImagePlan, PlatformBases } from '@orch/core'
import { type Compression, wholeReference } from '@orch/oci'
import type { ProjectConfig, ProjectImage } from '../define.ts'
import { normalizeBaseKey, normalizePlatformText } from '../platforms.ts'
import { formatPath, type Path, type Problem } from '../problem.ts'
import type { Tables } from '../tables.ts'
import { normalizeTag } from '../tags.ts'
import { checkBuild } from './build.ts'
import { type Checked, check } from './check.ts'
import { projectFileSchema } from './core.ts'
import { checkExportEntry } from './exports.ts'

/** A project file that holds: defaults filled in, every part as its schema left it. */
export interface CheckedConfig {
  readonly images: readonly ImagePlan[]
  readonly exports: readonly ExportPlan[]
  /** What stands under the keys that plugins add to the top, by key. */
  readonly settings: Readonly<Record<string, unknown>>
}

/** Checks the whole of a project file by the core's schema and the plugins'. */
export async function checkConfig(value: unknown, tables: Tables): Promise<Checked<CheckedConfig>> {
  const problems: Problem[] = []
  const keep = <T>(checked: Checked<T>): T | undefined => {
    if (checked.ok) return checked.value
    problems.push(...checked.problems)
    return undefined
  }
  const checkKeys = async (
    holder: unknown,
    table: Tables['imageKeys'],
    path: Path,
  ): Promise<Record<string, unknown>> => {
    const found: Record<string, unknown> = {}
    for (const [key, schema] of table) {
      const item = field(holder, key)
      if (item !== undefined) found[key] = keep(await check(schema, item, [...path, key]))
    }
    return found
  }
  const core = keep(await check(projectFileSchema(tables), value, []))
  // What plugins define is checked in what was written, so that all problems come at once.
  const images = new Map<string, ImageParts>()
  for (const [name, image] of entriesOf(field(value, 'images'))) {
    const path = ['images', name]
    const written = field(image, 'build')
    const build = isMap(written)
      ? keep(await checkBuild(written, tables.builders, [...path, 'build']))
      : undefined
    const extensions = await checkKeys(image, tables.imageKeys, path)
    if (build !== undefined) images.set(name, { build, extensions })
  }
  const exports: ExportPlan[] = []
  const written = field(value, 'export') ?? ['layout']
  for (const [at, entry] of Array.isArray(written) ? written.entries() : []) {
    const plan = keep(await checkExportEntry(entry, tables.exporters, ['export', at]))
    if (plan !== undefined) exports.push(plan)
  }
  const settings = await checkKeys(value, tables.projectKeys, [])
  if (core !== undefined) problems.push(...sharedTags(core), ...sharedBaseKeys(core))
  if (core === undefined || problems.length > 0) return { ok: false, problems }
  const plans = [...images].map(([name, parts]) => imagePlan(name, core, parts))
  return { ok: true, value: { images: plans, exports, settings } }
}

type ImageParts = Pick<ImagePlan, 'build' | 'extensions'>

function imagePlan(name: string, project: ProjectConfig, parts: ImageParts): ImagePlan {
  const image = project.images[name] ?? { build: {} }
  const { base = 'static', entrypoint, cmd, env, user, workdir } = image
  const platforms = image.platforms ?? project.platforms ?? ['local']
  return {
    name,
    build: parts.build,
    ...(base === 'scratch' ? {} : { base: normalizeBase(base) }),
    platforms: [...new Set(platforms.map(normalizePlatformText))],
    tags: [...new Set(tagsOf(name, image))],
    config: {
      ...(entrypoint === undefined ? {} : { entrypoint }),
      ...(cmd === undefined ? {} : { cmd }),
      ...(env === undefined ? {} : { env }),
      ...(user === undefined ? {} : { user }),
      ...(workdir === undefined ? {} : { workdir }),
    },
    labels: image.labels ?? {},
    annotations: image.annotations ?? {},
    compression: compressionOf(image),
    extensions: parts.extensions,
  }
}

function normalizeBase(base: string | PlatformBases): string | PlatformBases {
  if (typeof base === 'string') return base
  return Object.fromEntries(Object.entries(base).map(([key, ref]) => [normalizeBaseKey(key), ref]))
}

/** Two keys that mean one platform: only one could serve it. */
function sharedBaseKeys({ images }: ProjectConfig): Problem[] {
  return Object.entries(images).flatMap(([name, { base }]) => {
    if (typeof base !== 'object') return []
    const owners = new Map<string, string>()
    return Object.keys(base).flatMap((key): Problem[] => {
      const owner = owners.get(normalizeBaseKey(key))
      if (owner === undefined) owners.set(normalizeBaseKey(key), key)
      if (owner === undefined) return []
      const message = `it means the same platform as ${owner}; expected each platform once`
      return [{ path: ['images', name, 'base', key], on: 'key', message }]
    })
  })
}

function tagsOf(name: string, { tags = [] }: ProjectImage): string[] {
  return tags.length === 0 ? [`${name}:latest`] : tags.map(normalizeTag)
}

function compressionOf({ compression = 'gzip' }: ProjectImage): Compression {
  if (typeof compression === 'string') return { type: compression }
  const { type, level } = compression
  return level === undefined ? { type } : { type, level }
}

/** Two images under one tag would overwrite each other wherever they go. */
function sharedTags({ images }: ProjectConfig): Problem[] {
  const owners = new Map<string, { readonly image: string; readonly path: Path }>()
  const problems: Problem[] = []
  for (const [name, image] of Object.entries(images)) {
    for (const [at, tag] of tagsOf(name, image).entries()) {
      const written = (image.tags ?? []).length > 0
      const path: Path = ['images', name, ...(written ? ['tags', at] : [])]
      const owner = owners.get(wholeReference(tag))
      if (owner === undefined) owners.set(wholeReference(tag), { image: name, path })
      else if (owner.image !== name) {
        const message = `the tag ${tag} is taken by ${formatPath(owner.path)}; expected one that no other image has`
        problems.push({ path, on: 'value', message })
      }
    }
  }
  return problems
}

function field(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

function entriesOf(value: unknown): [string, unknown][] {
  return isMap(value) ? Object.entries(value) : []
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
