import { existsSync } from 'node:fs'
import { glob, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { exec, type Outcome, type Running, start } from '../test/kit/exec.ts'
import { tempFolder } from '../test/kit/temp.ts'
import { tools } from '../test/kit/tools.ts'

const all = Object.entries(tools).map(([name, { version }]) => ({ name, version }))
const script = fileURLToPath(new URL('tools.ts', import.meta.url))

/** Runs the script with a go of its own: the shell commands given. */
async function withGo(cache: string, commands: string): Promise<Outcome> {
  return await (await startWithGo(cache, commands)).done
}

async function startWithGo(cache: string, commands: string): Promise<Running> {
  const bin = await tempFolder('bin')
  await writeFile(join(bin, 'go'), `#!/bin/sh\n${commands}\n`, { mode: 0o755 })
  const env = { XDG_CACHE_HOME: cache, PATH: `${bin}:/usr/bin:/bin`, GOARCH: 'arm64' }
  return start(process.execPath, [script], { env })
}

/** What an install that goes on has put into its folder. */
async function unfinished(folder: string): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob('.unfinished-*/*', { cwd: folder })) files.push(file)
  return files
}

/** As `go install` does: a file for each command, named by the last part of its path. */
const installs = `[ "$1 $CGO_ENABLED$GOARCH" = "install 0" ] || exit 1; shift
for command; do name=\${command%@*}; sleep 0.1; echo x >"$GOBIN/\${name##*/}"; done`

it('installs all commands of a tool once, also when two do it at one time', async () => {
  const cache = await tempFolder('cache')
  const both = await Promise.all([withGo(cache, installs), withGo(cache, installs)])
  for (const outcome of both)
    expect(outcome).toEqual({
      exitCode: 0,
      stdout: all.map(({ name, version }) => `Installing ${name} ${version}…\n`).join(''),
      stderr: '',
    })
  const folder = join(cache, 'orch-test/tools')
  const folders = all.map(({ name, version }) => `${name}-${version}`)
  expect((await readdir(folder)).sort()).toEqual([...folders].sort())
  const containerd = join(folder, `containerd-${tools.containerd.version}`)
  expect((await readdir(containerd)).sort()).toEqual([
    'containerd',
    'containerd-shim-runc-v2',
    'ctr',
  ])
  expect(await withGo(cache, 'exit 1')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
})

it('names what it could not install, and leaves nothing of it', async () => {
  const cache = await tempFolder('cache')
  const outcome = await withGo(cache, 'echo x >"$GOBIN/ctr"; echo "no such module" >&2; exit 1')
  expect(outcome.exitCode).toBe(0)
  const told = all.map(one => `no such module\nCould not install ${one.name} ${one.version}.\n`)
  expect(outcome.stderr).toBe(told.join(''))
  expect(await readdir(join(cache, 'orch-test/tools'))).toEqual([])
})

it('leaves nothing half when it is interrupted, and says so by its exit code', async () => {
  const cache = await tempFolder('cache')
  const folder = join(cache, 'orch-test/tools')
  const running = await startWithGo(cache, 'echo x >"$GOBIN/containerd"; exec sleep 30')
  await expect.poll(() => unfinished(folder), { timeout: 10_000 }).toHaveLength(1)
  running.kill('SIGINT')
  expect(await running.done).toMatchObject({ exitCode: 130, stderr: '' })
  expect(await readdir(folder)).toEqual([])
})

it('removes what an install that was killed left behind', async () => {
  const cache = await tempFolder('cache')
  const abandoned = join(cache, 'orch-test/tools/.unfinished-abcdef')
  await mkdir(abandoned, { recursive: true })
  await exec('touch', ['-d', '2 hours ago', abandoned])
  await withGo(cache, installs)
  expect(existsSync(abandoned)).toBe(false)
})
