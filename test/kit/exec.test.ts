import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { exec, run, start } from './exec.ts'
import { tempFolder } from './temp.ts'

describe('running programs', () => {
  it('gives what the program said and its exit code, whatever that is', async () => {
    const outcome = await exec('sh', ['-c', 'cat; echo no >&2; exit 3'], { input: 'yes\n' })
    expect(outcome).toEqual({ exitCode: 3, stdout: 'yes\n', stderr: 'no\n' })
  })

  it('gives 128 and the number of the signal that ended it', async () => {
    const program = start('sleep', ['60'])
    expect(program.kill('SIGKILL')).toBe(true)
    expect((await program.done).exitCode).toBe(137)
  })

  it('sets and unsets environment variables', async () => {
    const env = { ORCH_TEST_A: 'a', HOME: undefined }
    const lines = (await run('env', [], { env })).split('\n')
    expect(lines).toContain('ORCH_TEST_A=a')
    expect(lines.filter(line => line.startsWith('HOME='))).toEqual([])
    expect(lines.some(line => line.startsWith('PATH='))).toBe(true)
  })

  it('says what failed when it had to succeed, or cannot be started', async () => {
    await expect(run('sh', ['-c', 'echo broken >&2; exit 4'])).rejects.toThrow(
      /exit code 4\s+broken/,
    )
    expect(() => start('no-such-program', [])).toThrow(
      'no-such-program cannot be started: is it installed?',
    )
  })

  it('gives empty folders, each its own', async () => {
    const [one, two] = [await tempFolder(), await tempFolder()]
    expect(one).not.toBe(two)
    expect(existsSync(one)).toBe(true)
  })
})
