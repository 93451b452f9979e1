import type { BuildContext } from '@orch/core'
import { canonicalJson, normalizePlatform, OrchError, type Platform, UsageError } from '@orch/oci'
import { checkBuildFlags, valuedBuildFlags } from '../policy/build-flags.ts'
import { checkEnvNames } from '../policy/env-names.ts'
import { checkProfiles } from '../policy/profile.ts'
import { checkLinkerFlags } from '../policy/tool-flags.ts'
import type { GitAnswer } from '../tool/git.ts'
import { redactor } from '../tool/redact.ts'
import { platformEnv } from '../tool/variant.ts'
import { type Flag, formatFlag, lastValue, parseFlags } from './flags.ts'
import { joinQuoted, splitQuoted, splitTemplates } from './quoted.ts'
import { expandTemplate, type TemplateValues } from './template.ts'

/** A program to be built, as the project file asks for it: templates not yet expanded. */
export interface GoBuild {
  /** `./cmd/x`, or an import path. */
  readonly package: string
  /** The folder in which the go command runs: absolute. */
  readonly dir: string
  readonly platform: Platform
  readonly flags: readonly string[]
  readonly ldflags: readonly string[]
  readonly tags: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cgo: boolean
}

/** How packages are built: checked, expanded. Programs with equal settings are built by one call. */
export interface Settings {
  readonly dir: string
  readonly platform: Platform
  /** Of `go build`, without -tags, -ldflags and -trimpath. */
  readonly flags: readonly Flag[]
  /** Of the linker, as the go command splits them. */
  readonly ldflags: string
  /** How the linker links when its flags say so, such as `external`. */
  readonly linkmode: string | undefined
  readonly tags: readonly string[]
  /** What is laid over the operator's environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cgo: boolean
  /** What templates took from the environment: not to be shown. */
  readonly hidden: readonly string[]
  /** Equal for equal settings. */
  readonly key: string
}

/** What settings are made with. */
export interface SettingsContext extends Pick<BuildContext, 'allow' | 'env' | 'offline'> {
  /** Seconds since 1970. */
  readonly now: number
  readonly git: () => Promise<GitAnswer>
}

/** The go command must find what it needs on disk: no proxy, no version control, no direct download. */
const offlineEnv = { GOPROXY: 'off', GONOPROXY: 'none', GOVCS: '*:off' }

/**
 * Expands the templates of a build and checks what comes out: nothing that a template brings in
 * escapes the check. Throws `TEMPLATE_INVALID`, `GIT_MISSING`, `GO_FLAG_INVALID`, `GO_FLAG_REFUSED`,
 * `GO_ENV_INVALID`, `GO_ENV_REFUSED`, `GO_TAG_INVALID`, `PLATFORM_UNSUPPORTED`.
 * @param where begins every message, such as `image api`
 */
export async function settle(
  build: GoBuild,
  context: SettingsContext,
  where: string,
): Promise<Settings> {
  const taken = new Set<string>()
  try {
    return await expandAndCheck(build, context, where, taken)
  } catch (error) {
    // Messages quote what is wrong, and that may be a secret.
    if (error instanceof OrchError) error.message = redactor([...taken])(error.message)
    throw error
  }
}

async function expandAndCheck(
  build: GoBuild,
  context: SettingsContext,
  where: string,
  taken: Set<string>,
): Promise<Settings> {
  const { dir, platform, cgo } = build
  const { allow } = context
  const values = templateValues(platform, context, taken)
  const expand = (text: string, key: string) => expandTemplate(text, values, `${where}: ${key}`)
  const expandAll = (list: readonly string[], key: string) =>
    Promise.all(list.map(text => expand(text, key)))

  const written = parseFlags(
    await expandAll(build.flags, 'flags'),
    valuedBuildFlags,
    `${where}: flags`,
  )
  const given = checkBuildFlags(written, `${where}: flags`, allow)
  await checkProfiles(given, dir, `${where}: flags`, allow)
  const templates = splitTemplates(build.ldflags.join(' '), `${where}: ldflags`)
  const fields = [
    ...(await expandAll(templates, 'ldflags')),
    ...valuesOf(given, 'ldflags').flatMap(text => splitQuoted(text, `${where}: -ldflags`)),
  ]
  const linker = checkLinkerFlags(fields, `${where}: ldflags`, allow)
  const tags = await expandAll([...build.tags, ...valuesOf(given, 'tags')], 'tags')

  checkEnvNames(Object.keys(build.env), `${where}: env`, allow)
  const named = Object.entries(build.env).map(
    async ([name, text]): Promise<[string, string]> => [name, await expand(text, `env ${name}`)],
  )
  const environment = Object.fromEntries(await Promise.all(named))
  const settings = {
    dir,
    platform,
    flags: given.filter(({ name }) => !['ldflags', 'tags', 'trimpath'].includes(name)),
    ldflags: joinQuoted(fields, `${where}: ldflags`),
    linkmode: lastValue(linker, 'linkmode'),
    tags: splitTags(tags, where),
    env: {
      CGO_ENABLED: cgo ? '1' : '0',
      ...platformEnv(platform),
      ...environment,
      ...(context.offline ? offlineEnv : {}),
    },
    cgo,
    hidden: [...taken].sort(),
  }
  return { ...settings, key: canonicalJson(settings) }
}

function templateValues(
  platform: Platform,
  context: SettingsContext,
  taken: Set<string>,
): TemplateValues {
  const { os, architecture, variant = '' } = normalizePlatform(platform)
  return { ...context, taken, go: { os, arch: architecture, variant } }
}

function valuesOf(flags: readonly Flag[], wanted: string): string[] {
  return flags.flatMap(({ name, value }) => (name === wanted && value !== undefined ? [value] : []))
}

function splitTags(texts: readonly string[], where: string): string[] {
  const tags = texts.flatMap(text => text.split(/[\s,]+/)).filter(tag => tag !== '')
  const bad = tags.find(tag => !/^[\p{L}\p{N}_.]+$/u.test(tag))
  if (bad === undefined) return [...new Set(tags)].sort()
  throw new UsageError('GO_TAG_INVALID', `${where}: ${JSON.stringify(bad)} is not a build tag`, {
    hint: 'A tag has letters, digits, "_" and "." only.',
  })
}

/** The flags of `go build` and `go list` that decide which files and packages belong to a program. */
const selecting = new Set(
  'asan compiler cover covermode coverpkg installsuffix mod modcacherw modfile msan overlay race'.split(
    ' ',
  ),
)

/** The arguments of `go list` for these settings. Without -buildvcs: listing needs no git. */
export function listArgs({ flags, tags }: Settings): string[] {
  const chosen = flags.filter(({ name }) => selecting.has(name)).map(formatFlag)
  return [...chosen, ...tagArgs(tags), '-buildvcs=false']
}

/** The arguments of `go build` for these settings. */
export function buildArgs({ flags, ldflags, tags }: Settings): string[] {
  const link = ldflags === '' ? [] : [`-ldflags=${ldflags}`]
  return [...flags.map(formatFlag), '-trimpath', ...tagArgs(tags), ...link]
}

function tagArgs(tags: readonly string[]): string[] {
  return tags.length === 0 ? [] : [`-tags=${tags.join(',')}`]
}
