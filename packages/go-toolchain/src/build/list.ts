import type { Place } from '@orch/core'
import { GoFailure } from '../errors.ts'
import { listArgs, type Settings } from '../settings/settings.ts'
import { type RunContext, run } from '../tool/process.ts'

/** Lists of source files that a package's object depends on (go help list, struct Package). */
const fileLists = [
  'GoFiles',
  'CgoFiles',
  'CFiles',
  'CXXFiles',
  'MFiles',
  'HFiles',
  'FFiles',
  'SFiles',
  'SwigFiles',
  'SwigCXXFiles',
  'SysoFiles',
  'EmbedFiles',
] as const

/** A module, as `go list` shows it. */
export interface GoModule {
  readonly Path: string
  readonly Version?: string
  readonly Main?: boolean
  readonly Dir?: string
  readonly GoMod?: string
  readonly Replace?: GoModule
}

/** A package, as `go list` shows it: only what is asked for here. */
export interface GoPackage extends Partial<Record<(typeof fileLists)[number], readonly string[]>> {
  readonly ImportPath: string
  readonly Name?: string
  readonly Dir?: string
  readonly Standard?: boolean
  readonly Module?: GoModule
  readonly DepOnly?: boolean
  /** The arguments that name it. */
  readonly Match?: readonly string[]
  /** Import paths of everything that it depends on. */
  readonly Deps?: readonly string[]
  readonly IgnoredGoFiles?: readonly string[]
  readonly Error?: GoPackageError
  readonly DepsErrors?: readonly GoPackageError[]
}

export interface GoPackageError {
  readonly Pos?: string
  readonly Err: string
}

const fields = [
  'ImportPath,Name,Dir,Standard,Module,DepOnly,Match,Deps,IgnoredGoFiles,Error,DepsErrors',
  ...fileLists,
].join(',')

/** A package's source files, relative to its folder. */
export function sourceFiles(found: GoPackage): string[] {
  return fileLists.flatMap(list => found[list] ?? [])
}

/** Packages by import path, and those that were named by the argument that named them. */
export interface Listing {
  readonly packages: ReadonlyMap<string, GoPackage>
  readonly named: ReadonlyMap<string, GoPackage>
}

/**
 * Lists packages and everything that they depend on, in one call. What is wrong with a package stands
 * in the package; throws `GoFailure` (`GO_LIST_FAILED`) only when nothing could be listed.
 */
export async function listPackages(
  names: readonly string[],
  settings: Settings,
  context: RunContext,
  place: Place,
): Promise<Listing> {
  const args = ['list', '-e', '-deps', `-json=${fields}`, ...listArgs(settings), '--', ...names]
  const { dir, env, hidden } = settings
  const options = { cwd: dir, env, place, hidden }
  const { exitCode, stdout, stderr } = await run('go', args, context, options)
  if (exitCode !== 0) throw new GoFailure('GO_LIST_FAILED', 'go list', stderr)
  const packages = new Map<string, GoPackage>()
  const named = new Map<string, GoPackage>()
  for (const found of readPackages(stdout)) {
    packages.set(found.ImportPath, found)
    for (const name of found.Match ?? []) named.set(name, found)
  }
  return { packages, named }
}

/** The go command writes one indented object after the other: each ends with a brace alone on its line. */
function readPackages(text: string): GoPackage[] {
  const objects = text.trim().split(/(?<=^\})\n(?=\{$)/m)
  return objects.filter(object => object !== '').map(object => JSON.parse(object))
}

/**
 * The file name that `go build` gives to a program: the last element of its import path, or the one
 * before it when the last is a major version.
 */
export function programName(importPath: string): string {
  const parts = importPath.split('/')
  const last = parts.at(-1) ?? importPath
  const before = parts.at(-2)
  return /^v([2-9]|[1-9]\d+)$/.test(last) && before !== undefined ? before : last
}
