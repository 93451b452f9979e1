import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createEvents } from '@orch/core'
import { expect, it, onTestFinished } from 'vitest'
import { readGit } from './git.ts'
import { gitShield } from './git-shield.ts'

const context = { signal: new AbortController().signal, events: createEvents(), env: process.env }

async function repository(): Promise<{
  dir: string
  git: (...args: string[]) => Promise<unknown>
}> {
  const dir = await mkdtemp(join(tmpdir(), 'orch-git-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com']
  const git = (...args: string[]) =>
    promisify(execFile)('git', [...identity, ...args], { cwd: dir })
  await git('init', '-q', '-b', 'trunk')
  return { dir, git }
}

it('reads branch, commit, tags and state of the work tree that holds a folder', async () => {
  const { dir, git } = await repository()
  await git('commit', '-q', '--allow-empty', '-m', 'one')
  await git('tag', 'v1.9.0')
  await git('tag', 'v1.10.0')
  await mkdir(join(dir, 'sub'))
  const { state } = await readGit(join(dir, 'sub'), context)
  expect(state).toMatchObject({ branch: 'trunk', tag: 'v1.10.0', dirty: false })
  expect(state?.fullCommit).toMatch(/^[0-9a-f]{40}$/)
  expect(state?.fullCommit.startsWith(state.shortCommit)).toBe(true)
  expect(state?.mergedTags).toHaveLength(2)
  await writeFile(join(dir, 'new'), '')
  await git('checkout', '-q', '--detach')
  expect((await readGit(dir, context)).state).toMatchObject({ branch: 'HEAD', dirty: true })
})

it('reads a work tree without commits, and says why a folder has no state', async () => {
  const { dir } = await repository()
  expect((await readGit(dir, context)).state).toMatchObject({
    branch: 'trunk',
    fullCommit: '',
    tag: '',
  })
  await rm(join(dir, '.git'), { recursive: true })
  expect(await readGit(dir, context)).toEqual({
    why: expect.stringMatching(/not a git repository/),
  })
})

/** A work tree with one changed file that has a filter; `ran` appears when something ran. */
async function filtered(): Promise<{
  dir: string
  git: (...args: string[]) => Promise<unknown>
  ran: string
  command: string
}> {
  const { dir, git } = await repository()
  await writeFile(join(dir, '.gitattributes'), 'file filter=x\n')
  await writeFile(join(dir, 'file'), 'a')
  await git('add', '.')
  await git('commit', '-q', '-m', 'one')
  const folder = await mkdtemp(join(tmpdir(), 'orch-ran-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const ran = join(folder, 'ran')
  await writeFile(join(dir, 'file'), 'b')
  return { dir, git, ran, command: `touch ${ran}; cat` }
}

it.each(['filter.x.clean', 'filter.x.process', 'core.fsmonitor'])(
  'runs no %s of the repository',
  async name => {
    const { dir, git, ran, command } = await filtered()
    await git('config', name, command)
    await git('config', 'filter.x.required', 'true')
    expect((await readGit(dir, context)).state).toMatchObject({ branch: 'trunk', dirty: true })
    expect(existsSync(ran)).toBe(false)
    await git('status').catch(() => undefined)
    expect(existsSync(ran)).toBe(true)
  },
)

it('runs the operator’s filter, also where the repository names another', async () => {
  const { dir, git, ran, command } = await filtered()
  await git('config', 'filter.x.clean', 'false')
  const env = {
    ...process.env,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'filter.x.clean',
    GIT_CONFIG_VALUE_0: command,
  }
  expect((await readGit(dir, { ...context, env })).state).toMatchObject({ dirty: true })
  expect(existsSync(ran)).toBe(true)
  const shield = await gitShield(dir, { ...context, env })
  expect(shield).not.toHaveProperty('GIT_CONFIG_KEY_0')
  expect(Object.values(shield)).toContain('safe.bareRepository')
})

it('reads the work tree, not a bare repository among its files', async () => {
  const { dir, git, ran } = await filtered()
  const bare = join(dir, 'sub')
  await cp(join(dir, '.git'), bare, { recursive: true })
  const config = `[core]\nbare = false\nworktree = .\n[filter "x"]\nclean = touch ${ran}\n`
  await writeFile(join(bare, 'config'), config)
  await writeFile(join(bare, 'file'), 'c')
  await git('branch', '-m', 'outer')
  expect((await readGit(bare, context)).state).toMatchObject({ branch: 'outer' })
  await rm(join(dir, '.git'), { recursive: true })
  expect(await readGit(bare, context)).toEqual({
    why: expect.stringMatching(/not a git repository/),
  })
  expect(existsSync(ran)).toBe(false)
})

it('refuses a repository whose work tree is elsewhere, and reads a linked work tree', async () => {
  const { dir, git } = await filtered()
  const linked = `${dir}-linked`
  onTestFinished(() => rm(linked, { recursive: true }))
  await git('worktree', 'add', '-q', '-b', 'twig', linked)
  expect((await readGit(linked, context)).state).toMatchObject({ branch: 'twig', dirty: false })
  await git('config', 'core.worktree', '/')
  const why = expect.stringMatching(/another repository/)
  expect(await readGit(dir, context)).toEqual({ why, foreign: true })
})
