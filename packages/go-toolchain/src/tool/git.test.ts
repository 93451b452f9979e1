import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createEvents } from '@orch/core'
import { expect, it, onTestFinished } from 'vitest'
import { readGit } from './git.ts'

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

it('runs nothing that the repository asks for', async () => {
  const { dir, git } = await repository()
  await git('config', 'core.fsmonitor', `touch ${dir}/ran; false`)
  await readGit(dir, context)
  const { stdout } = await promisify(execFile)('ls', [dir])
  expect(stdout).toBe('')
})
