import { readFile, realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gitShield, gitTop } from './git-shield.ts'
import { type RunContext, run } from './process.ts'

/** What git knows of a folder's work tree. */
export interface GitState {
  /** The branch's short name; `HEAD` when none is checked out. */
  readonly branch: string
  /** The highest tag on HEAD, else the nearest before it, else empty. */
  readonly tag: string
  /** Empty before the first commit, as are the other two. */
  readonly fullCommit: string
  readonly shortCommit: string
  /** Seconds since 1970. */
  readonly commitTimestamp: string
  /** The work tree has changes, or files that git does not know. */
  readonly dirty: boolean
  /** Every tag merged into HEAD with its object: Go derives the main module's version from them. */
  readonly mergedTags: readonly string[]
}

/**
 * The state, or why there is none; `foreign` when git would answer for another repository than the one
 * that is there.
 */
export type GitAnswer =
  | { readonly state: GitState }
  | { readonly state?: undefined; readonly why: string; readonly foreign?: boolean }

/**
 * Reads the git state of the work tree that holds a folder. Runs nothing that the repository configures,
 * and takes no repository for one that is not its `.git`. Throws `GIT_TOO_OLD`.
 */
export async function readGit(dir: string, context: RunContext): Promise<GitAnswer> {
  // An operator who sets GIT_DIR says where the repository is.
  const chosen = context.env['GIT_DIR'] !== undefined
  const top = gitTop(dir) ?? (chosen ? dir : undefined)
  if (top === undefined) return { why: `${dir} is not a git repository, nor is a folder above it` }
  const shield = await gitShield(dir, context)
  const env = { ...shield, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' }
  const git = (...args: string[]) => run('git', args, context, { cwd: top, env })
  const found = await git('rev-parse', '--absolute-git-dir', '--show-toplevel')
  if (found.missing) return { why: 'the git command was not found' }
  if (found.exitCode !== 0) return { why: found.stderr.trim() }
  if (!chosen && !(await isOwn(top, lines(found)))) {
    const why = `git takes another repository for that of ${join(top, '.git')}`
    return { why, foreign: true }
  }
  const status = await git('status', '--porcelain')
  if (status.exitCode !== 0) return { why: status.stderr.trim() }
  const [log, branch, tagsHere, tagBefore, merged] = await Promise.all([
    git('log', '-1', '--format=%H%n%h%n%ct'),
    git('symbolic-ref', '--quiet', '--short', 'HEAD'),
    git('tag', '--points-at', 'HEAD', '--sort=-version:refname'),
    git('describe', '--tags', '--abbrev=0'),
    git('for-each-ref', '--merged=HEAD', '--format=%(objectname) %(refname)', 'refs/tags'),
  ])
  // Before the first commit all of these but the branch fail, and there is nothing to read.
  const [fullCommit = '', shortCommit = '', commitTimestamp = ''] = lines(log)
  return {
    state: {
      branch: lines(branch)[0] ?? 'HEAD',
      tag: lines(tagsHere)[0] ?? lines(tagBefore)[0] ?? '',
      fullCommit,
      shortCommit,
      commitTimestamp,
      dirty: status.stdout !== '',
      mergedTags: lines(merged),
    },
  }
}

/** Whether the repository and the work tree that git found are those of a folder's `.git`. */
async function isOwn(
  top: string,
  [gitDir = '', workTree = '']: readonly string[],
): Promise<boolean> {
  const mark = join(top, '.git')
  const isFolder = (await stat(mark)).isDirectory()
  // Of a linked work tree or a submodule it is a file that names the folder.
  const named = isFolder ? mark : (await readFile(mark, 'utf8')).replace(/^gitdir: /, '').trimEnd()
  const [one, other, own, tree] = await Promise.all(
    [resolve(top, named), gitDir, top, workTree].map(path => realpath(path)),
  )
  return one === other && own === tree
}

function lines({ exitCode, stdout }: { exitCode: number; stdout: string }): string[] {
  return exitCode === 0 ? stdout.split('\n').filter(line => line !== '') : []
}
