import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { orch, startOrch } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'

describe('running orch as tests do', () => {
  it('gives what it says on stdout and stderr, and its exit code', async () => {
    const version = await orch(['version'])
    expect(version.exitCode).toBe(0)
    expect(version.stdout).toMatch(/\d+\.\d+\.\d+/)
    const wrong = await orch(['no-such-command'])
    expect(wrong.exitCode).toBe(2)
    expect(wrong.stdout).toBe('')
    expect(wrong.stderr).toContain('no-such-command')
  })

  it('uses the cache it is given, and runs where it is told', async () => {
    const cwd = await tempFolder()
    const cache = join(cwd, 'cache')
    expect((await orch(['cache', 'ls'], { cwd, cache })).stdout).toContain(cache)
    await writeFile(join(cwd, 'orch.yaml'), 'images: {here: {build: nothing}}')
    const { exitCode, stderr } = await orch(['plan'], { cwd, cache })
    expect(exitCode).toBe(2)
    expect(stderr).toContain('orch.yaml:1')
  })

  it('can be ended at any time', async () => {
    const running = await startOrch(['version'])
    running.kill('SIGKILL')
    expect((await running.done).exitCode).toBe(137)
  })
})
