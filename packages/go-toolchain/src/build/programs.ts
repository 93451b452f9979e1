import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildContext, Place } from '@orch/core'
import { GoFailure } from '../errors.ts'
import { lastValue } from '../settings/flags.ts'
import { buildArgs, type Settings } from '../settings/settings.ts'
import { gitShield } from '../tool/git-shield.ts'
import { run } from '../tool/process.ts'
import type { Program } from './inputs.ts'
import { programName } from './list.ts'

/** Where a program was written, or what the go command said against it. */
export type Built = { readonly path: string } | GoFailure

export type BuildProgramsContext = Pick<
  BuildContext,
  'signal' | 'events' | 'env' | 'store' | 'limits'
>

/**
 * Builds programs with the same settings: all of them by one `go build`, unless two would be written
 * to the same file name. When that fails, those that the output names are built one by one, which
 * gives each its own output, and the others again together: a broken program takes no other with it.
 */
export async function buildPrograms(
  programs: readonly Program[],
  settings: Settings,
  context: BuildProgramsContext,
  place: Place,
): Promise<ReadonlyMap<Program, Built>> {
  const results = new Map<Program, Built>()
  const build = async (some: readonly Program[]): Promise<void> => {
    if (some.length === 0) return
    const folder = await context.store.scratch('go')
    const result = await context.limits.cpu(() => goBuild(some, folder, settings, context, place))
    if (result.exitCode === 0) {
      for (const program of some) {
        const path = join(folder, fileName(program, settings))
        results.set(program, { path })
      }
      tell(result.stderr, context, place)
      return
    }
    await rm(folder, { recursive: true, force: true })
    const [only, ...others] = some
    if (only !== undefined && others.length === 0) {
      results.set(only, new GoFailure('GO_BUILD_FAILED', 'go build', result.stderr))
      return
    }
    const { suspects, rest } = divide(some, result.stderr)
    await build(rest)
    for (const suspect of suspects) await build([suspect])
  }
  for (const some of withDistinctNames(programs, settings)) await build(some)
  return results
}

async function goBuild(
  programs: readonly Program[],
  folder: string,
  settings: Settings,
  context: BuildProgramsContext,
  place: Place,
): Promise<{ exitCode: number; stderr: string }> {
  const names = programs.map(({ name }) => name)
  const args = ['build', ...buildArgs(settings), '-o', `${folder}/`, '--', ...names]
  const { dir: cwd, flags, hidden } = settings
  const stamped = lastValue(flags, 'buildvcs') !== 'false'
  // Go asks git for the revision that it stamps.
  const shield = stamped ? await gitShield(cwd, context, settings.env) : {}
  const env = { ...settings.env, ...shield }
  return run('go', args, context, { cwd, env, place, hidden })
}

function fileName({ root }: Program, { env }: Settings): string {
  return `${programName(root.ImportPath)}${env['GOOS'] === 'windows' ? '.exe' : ''}`
}

/** As few lists as there are programs of one name. */
function withDistinctNames(programs: readonly Program[], settings: Settings): Program[][] {
  const lists: Map<string, Program>[] = []
  for (const program of programs) {
    // Not every file system tells upper from lower case.
    const name = fileName(program, settings).toLowerCase()
    const list = lists.find(item => !item.has(name))
    if (list === undefined) lists.push(new Map([[name, program]]))
    else list.set(name, program)
  }
  return lists.map(list => [...list.values()])
}

/**
 * The programs that depend on a package which the output names by its `# import/path` header; all of
 * them when it names none. A header is a suspicion, not a proof: the compiler's remarks stand under one too.
 */
function divide(
  programs: readonly Program[],
  output: string,
): { suspects: readonly Program[]; rest: readonly Program[] } {
  const headers = new Set(Array.from(output.matchAll(/^# (\S+)/gm), match => match[1]))
  const suspected = ({ root }: Program) =>
    [root.ImportPath, ...(root.Deps ?? [])].some(path => headers.has(path))
  const suspects = programs.filter(suspected)
  if (suspects.length === 0) return { suspects: programs, rest: [] }
  return { suspects, rest: programs.filter(program => !suspects.includes(program)) }
}

/** Hands on what the go command remarked on a build that went well, such as what -gcflags=-m asks for. */
function tell(output: string, { events }: BuildProgramsContext, place: Place): void {
  const lines = output.split('\n').filter(line => !line.startsWith('go: downloading '))
  const message = lines.join('\n').trim()
  if (message !== '') events.emit({ type: 'log', level: 'info', message, ...place })
}
