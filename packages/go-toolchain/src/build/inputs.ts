import { existsSync } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'
import { canonicalJson, digestOf, type Json } from '@orch/oci'
import { valuedBuildFlags } from '../policy/build-flags.ts'
import { type Flag, formatFlag, lastValue, parseFlags } from '../settings/flags.ts'
import { splitQuoted } from '../settings/quoted.ts'
import type { Settings } from '../settings/settings.ts'
import { type GoEnv, isModule } from '../tool/env.ts'
import type { GitAnswer } from '../tool/git.ts'
import type { FileDigests } from './file-digests.ts'
import { type GoModule, type GoPackage, sourceFiles } from './list.ts'

/** A command to be built, with everything that it depends on. */
export interface Program {
  readonly root: GoPackage
  /** Without the standard library. */
  readonly packages: readonly GoPackage[]
  /** What the go command is given to name it. */
  readonly name: string
}

export interface InputsContext {
  readonly goEnv: GoEnv
  readonly env: Readonly<Record<string, string | undefined>>
  readonly files: FileDigests
  readonly signal: AbortSignal
  readonly git: () => Promise<GitAnswer>
}

/** Flags that do not change the program. */
const idle = new Set(['a', 'p', 'v'])
/** Flags by which programs or files come in that nobody lists. */
const unknowable = new Set([
  'compiler',
  'exec',
  'gccgoflags',
  'modfile',
  'overlay',
  'pkgdir',
  'toolexec',
])
/** Of the operator's environment: what the compiler and the linker read besides the go command's settings. */
const hidden = ['GOCLOBBERDEADHASH', 'GOCOMPILEDEBUG', 'GO_EXTLINK_ENABLED']

/**
 * Everything that a program's bytes depend on, free of the place where the project lies. The standard
 * library is known by the Go version, a module of the module cache by its version and go.sum, all other
 * packages by the content of their files. Undefined when it cannot be known: with cgo or an external
 * linker (the C toolchain and its headers), with -toolexec, -overlay and the like, and when a version
 * control system other than git would be stamped.
 */
export async function compileInputs(
  program: Program,
  settings: Settings,
  context: InputsContext,
): Promise<Json | undefined> {
  const { goEnv, env } = context
  const operator = operatorFlags(goEnv)
  const flags = [...operator, ...settings.flags]
  if (settings.cgo || settings.env['CGO_ENABLED'] !== '0') return undefined
  if (settings.linkmode === 'external' || linksOutside(operator)) return undefined
  if (flags.some(({ name }) => unknowable.has(name))) return undefined
  const [stamp, found] = await Promise.all([
    versionStamp(program, flags, settings.dir, context),
    sources(program, flags, settings.dir, context),
  ])
  if (stamp === undefined) return undefined
  return {
    go: ['GOVERSION', 'GOEXPERIMENT', 'GOFIPS140', 'GO111MODULE'].map(name => goEnv[name] ?? ''),
    hidden: hidden.map(name => env[name] ?? ''),
    env: settings.env,
    flags: flags.filter(({ name }) => !idle.has(name)).map(formatFlag),
    ldflags: settings.ldflags,
    tags: settings.tags,
    package: program.root.ImportPath,
    stamp,
    sources: digestOf(canonicalJson(found)),
  }
}

/** Whether the main module's commands are stamped from version control, as far as flags say. */
export function stampsVersion(settings: Settings, goEnv: GoEnv): boolean {
  return stamps([...operatorFlags(goEnv), ...settings.flags])
}

function stamps(flags: readonly Flag[]): boolean {
  return lastValue(flags, 'buildvcs') !== 'false'
}

function operatorFlags(goEnv: GoEnv): Flag[] {
  return parseFlags(splitQuoted(goEnv['GOFLAGS'] ?? '', 'GOFLAGS'), valuedBuildFlags, 'GOFLAGS')
}

/** Whether a path lies in the module cache, where nothing changes: a version is its content. */
function isCached(path: string, goEnv: GoEnv): boolean {
  return path.startsWith(`${goEnv['GOMODCACHE']}${sep}`)
}

/** The folders from which a program takes files that may change, those of embedded files included. */
export function sourceFolders({ packages }: Program, goEnv: GoEnv): string[] {
  const folders = packages.flatMap(found => {
    const { Dir } = found
    if (Dir === undefined || isCached(Dir, goEnv)) return []
    return sourceFiles(found).map(file => dirname(join(Dir, file)))
  })
  return [...new Set(folders)]
}

function linksOutside(operator: readonly Flag[]): boolean {
  return operator.some(({ name, value = '' }) => name === 'ldflags' && /linkmode|extld/.test(value))
}

/** The content of every file that may reach the program, by names that are the same in every folder. */
async function sources(
  program: Program,
  flags: readonly Flag[],
  dir: string,
  { goEnv, files, signal }: InputsContext,
): Promise<Json> {
  const cached = (path: string) => isCached(path, goEnv)
  const wanted = new Map<string, string>()
  const add = (name: string, path: string) => wanted.set(name, path)
  for (const found of program.packages) {
    if (found.Dir === undefined || cached(found.Dir)) continue
    for (const file of sourceFiles(found)) add(`${found.ImportPath}:${file}`, join(found.Dir, file))
  }
  const modules = uniqueModules(program.packages)
  for (const module of modules) {
    const file = (module.Replace ?? module).GoMod
    if (file === undefined || cached(file)) continue
    add(`${module.Path}:go.mod`, file)
    add(`${module.Path}:go.sum`, join(dirname(file), 'go.sum'))
  }
  const { GOMOD: mod, GOWORK: work } = goEnv
  if (isModule(mod)) {
    add('go.mod', mod)
    add('go.sum', join(dirname(mod), 'go.sum'))
    add('modules.txt', join(dirname(mod), 'vendor', 'modules.txt'))
  }
  if (isModule(work)) {
    add('go.work', work)
    add('go.work.sum', `${work}.sum`)
    add('work/modules.txt', join(dirname(work), 'vendor', 'modules.txt'))
  }
  const profile = lastValue(flags, 'pgo') ?? 'auto'
  if (profile === 'auto') add('pgo', join(program.root.Dir ?? dir, 'default.pgo'))
  else if (profile !== 'off') add('pgo', resolve(dir, profile))
  const digests = await Promise.all(
    [...wanted].map(
      async ([name, path]) => [name, (await files.of(path, signal)) ?? null] as const,
    ),
  )
  return {
    packages: program.packages.map(({ ImportPath }) => ImportPath).sort(),
    modules: modules.map(moduleText).sort(),
    files: Object.fromEntries(digests),
  }
}

function uniqueModules(packages: readonly GoPackage[]): GoModule[] {
  const modules = new Map<string, GoModule>()
  for (const { Module } of packages) if (Module !== undefined) modules.set(Module.Path, Module)
  return [...modules.values()]
}

function moduleText({ Path, Version = '', Replace }: GoModule): string {
  const replaced = Replace === undefined ? '' : ` => ${Replace.Path}@${Replace.Version ?? ''}`
  return `${Path}@${Version}${replaced}`
}

/**
 * What Go stamps from version control (go help buildvcs): null when it stamps nothing, undefined when
 * that is not to be known.
 */
async function versionStamp(
  { root }: Program,
  flags: readonly Flag[],
  dir: string,
  { git }: InputsContext,
): Promise<Json | undefined> {
  if (!stamps(flags) || root.Module?.Main !== true) return null
  if (hasOtherVersionControl(dir)) return undefined
  const answer = await git()
  if (answer.state === undefined) return answer.foreign === true ? undefined : null
  const { fullCommit, commitTimestamp, dirty, mergedTags } = answer.state
  return { fullCommit, commitTimestamp, dirty, mergedTags: digestOf(canonicalJson(mergedTags)) }
}

const otherMarks = ['.hg', '.bzr', '.svn', '.fslckout', '_FOSSIL_']

function hasOtherVersionControl(dir: string): boolean {
  for (let folder = dir; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return false
    if (otherMarks.some(mark => existsSync(join(folder, mark)))) return true
    if (folder === parse(folder).root) return false
  }
}
