import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEvents, type Event } from '@orch/core'
import { expect, it, onTestFinished } from 'vitest'
import { run } from './process.ts'

function context(signal: AbortSignal = new AbortController().signal) {
  const events = createEvents()
  const heard: Event[] = []
  events.subscribe(event => heard.push(event))
  return { signal, events, env: process.env, heard }
}

it('a program’s output and exit code come back, and an event says that it ran', async () => {
  const some = context()
  const result = await run('sh', ['-c', 'echo out; echo err >&2; exit 3'], some, { cwd: '/' })
  expect(result).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n', missing: false })
  expect(some.heard).toMatchObject([
    { type: 'process', exitCode: 3, command: ['sh', '-c', expect.anything()] },
  ])
})

it('a program that there is not is missing, and nothing ran', async () => {
  const some = context()
  expect(await run('no-such-program', [], some, { cwd: '/' })).toMatchObject({ missing: true })
  expect(some.heard).toEqual([])
})

it('an abort ends the program and those that it started', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orch-run-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const controller = new AbortController()
  const script = `trap '' TERM; sleep 60 & echo $! > ${folder}/child; wait`
  const running = run('sh', ['-c', script], context(controller.signal), { cwd: '/' })
  const child = await expect
    .poll(() => readFile(join(folder, 'child'), 'utf8').catch(() => ''), { timeout: 10_000 })
    .toMatch(/\d/)
    .then(() => readFile(join(folder, 'child'), 'utf8'))
  controller.abort(new Error('interrupted'))
  await expect(running).rejects.toThrow('interrupted')
  await expect.poll(() => isAlive(Number(child)), { timeout: 10_000 }).toBe(false)
})

/** Whether a process runs: one that has ended but that nobody asked for yet is not alive. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return /^[^Z\s]/.test(stdout)
}
