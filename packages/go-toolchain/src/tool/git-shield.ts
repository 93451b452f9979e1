import { existsSync } from 'node:fs'
import { dirname, join, parse } from 'node:path'
import { OrchError } from '@orch/oci'
import { type RunContext, run } from './process.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** What holds for every repository, whatever its configuration says. */
const always: readonly (readonly [string, string])[] = [
  ['safe.bareRepository', 'explicit'],
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', process.platform === 'win32' ? 'NUL' : '/dev/null'],
  ['log.showSignature', 'false'],
]

/** Settings that name programs which git may run as it reads a work tree (git help config). */
const running =
  '^(filter\\..*\\.(clean|smudge|process|required)|diff\\.(.*\\.)?(command|textconv|external)' +
  '|credential\\.(.*\\.)?helper|gpg\\.(.*\\.)?program' +
  '|core\\.(pager|sshcommand|askpass|gitproxy|alternaterefscommand))$'

/** The folder whose `.git` git and Go find from a folder: the nearest, from there upwards. */
export function gitTop(dir: string): string | undefined {
  for (let folder = dir; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder
    if (folder === parse(folder).root) return undefined
  }
}

/**
 * Environment in which git runs nothing that a repository configures: neither one at or above a folder,
 * whose settings give way to the operator's own, nor a bare one that lies among its files.
 * Throws `GIT_TOO_OLD` when git cannot tell the repository's settings from the operator's.
 * @param env laid over the context's environment; its GIT_CONFIG_COUNT and the rest are kept
 */
export async function gitShield(
  dir: string,
  context: RunContext,
  env: Variables = {},
): Promise<Record<string, string>> {
  const all = { ...context.env, ...env }
  const shield = { GIT_NO_LAZY_FETCH: '1', ...configEnv(always, all) }
  const top = gitTop(dir)
  if (top === undefined) return shield
  const overrides = await ownSettings(top, context, shield)
  return { ...shield, ...configEnv([...always, ...overrides], all) }
}

/** For every program that the repository configures: what the operator configures instead, else none. */
async function ownSettings(
  top: string,
  context: RunContext,
  env: Record<string, string>,
): Promise<[string, string][]> {
  const args = ['config', '--null', '--show-scope', '--get-regexp', running]
  const { exitCode, stdout, stderr } = await run('git', args, context, { cwd: top, env })
  if (exitCode === 129) {
    throw new OrchError('GIT_TOO_OLD', `git ${args.join(' ')} failed in ${top}\n${stderr.trim()}`, {
      hint: 'Update git to 2.38 or newer, or build with the flag -buildvcs=false.',
    })
  }
  // A scope, then a name and a value with a line end between them.
  const parts = stdout.split('\0')
  const ofRepository = new Set<string>()
  const ofOperator = new Map<string, string>()
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const entry = parts[at + 1] ?? ''
    const end = entry.indexOf('\n')
    const name = end === -1 ? entry : entry.slice(0, end)
    if (parts[at] === 'local' || parts[at] === 'worktree') ofRepository.add(name)
    else ofOperator.set(name, end === -1 ? 'true' : entry.slice(end + 1))
  }
  const none = (name: string) => (name.endsWith('.required') ? 'false' : '')
  return [...ofRepository].map(name => [name, ofOperator.get(name) ?? none(name)])
}

/** Settings as git takes them from the environment (git help config), after those that are there. */
function configEnv(
  settings: readonly (readonly [string, string])[],
  env: Variables,
): Record<string, string> {
  const before = Number(/^\d+$/.exec(env['GIT_CONFIG_COUNT'] ?? '')?.[0] ?? 0)
  const named = settings.flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${before + at}`, name],
    [`GIT_CONFIG_VALUE_${before + at}`, value],
  ])
  return { ...Object.fromEntries(named), GIT_CONFIG_COUNT: String(before + settings.length) }
}
