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

/** The state, or why there is none. */
export type GitAnswer = { readonly state: GitState } | { readonly state?: undefined; why: string }

/** Reads the git state of the work tree that holds a folder. Runs nothing that the repository configures. */
export async function readGit(dir: string, context: RunContext): Promise<GitAnswer> {
  const git = (...args: string[]) =>
    run('git', ['-C', dir, '-c', 'core.fsmonitor=false', ...args], context, {
      cwd: dir,
      env: { GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
    })
  const status = await git('status', '--porcelain')
  if (status.missing) return { why: 'the git command was not found' }
  if (status.exitCode !== 0) return { why: status.stderr.trim() }
  const [log, branch, tagsHere, tagBefore, merged] = await Promise.all([
    git('-c', 'log.showSignature=false', 'log', '-1', '--format=%H%n%h%n%ct'),
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

function lines({ exitCode, stdout }: { exitCode: number; stdout: string }): string[] {
  return exitCode === 0 ? stdout.split('\n').filter(line => line !== '') : []
}
