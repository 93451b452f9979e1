import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  isAlive,
  isNear,
  type Owner,
  ownerFromJson,
  ownerFromName,
  ownerToName,
  thisProcess,
} from './owner.ts'

const hasProc = process.platform === 'linux'

function sleeper(): ChildProcess {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

/** The owner that a `sleep` would say it is. */
function ownerOf(child: ChildProcess): Owner {
  const text = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
  const start = text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  return { ...thisProcess(), pid: child.pid ?? 0, start }
}

describe('an owner', () => {
  it('is alive while it runs', () => {
    expect(isAlive(thisProcess())).toBe(true)
    expect(isNear(thisProcess())).toBe(true)
  })

  it.skipIf(!hasProc)('is dead as soon as it was killed', async () => {
    const child = sleeper()
    const owner = ownerOf(child)
    expect(isAlive(owner, 0)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isAlive(owner)).toBe(false)
  })

  it.skipIf(!hasProc)('is dead when its process id went to another process', () => {
    const child = sleeper()
    expect(isAlive({ ...ownerOf(child), start: '1' })).toBe(false)
  })

  it.skipIf(!hasProc)('is dead when nobody has asked for its exit code yet', async () => {
    // The shell's child exits soon, and `sleep`, which the shell becomes, never waits for it.
    const shell = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60'])
    onTestFinished(() => {
      shell.kill('SIGKILL')
    })
    const [line] = await once(shell.stdout, 'data')
    const pid = Number(String(line))
    const stat = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8')
    await expect.poll(stat, { timeout: 10_000 }).toContain(') Z ')
    const start = stat().split(' ')[21] ?? ''
    expect(isAlive({ ...thisProcess(), pid, start })).toBe(false)
  })

  it('of another boot or pid namespace lives for an hour after its last sign', () => {
    const minutesAgo = (minutes: number): number => Date.now() - minutes * 60_000
    for (const away of [{ boot: 'another' }, { namespace: 'pid:[1]' }]) {
      const owner = { ...thisProcess(), ...away }
      expect(isNear(owner)).toBe(false)
      expect(isAlive(owner, minutesAgo(59))).toBe(true)
      expect(isAlive(owner, minutesAgo(61))).toBe(false)
    }
  })

  it('comes back from JSON, and nothing else does', () => {
    expect(ownerFromJson({ ...thisProcess() })).toEqual(thisProcess())
    for (const wrong of [null, [], { pid: 1 }, { ...thisProcess(), pid: -1 }])
      expect(ownerFromJson(wrong)).toBeUndefined()
    const named = { ...thisProcess(), boot: 'a+b/c', namespace: '' }
    expect(ownerFromName(`${ownerToName(named)}+more`)).toEqual(named)
    expect(ownerToName(named)).not.toContain('/')
    for (const wrong of ['', 'x+1+b+n', '1', '1+%+b+n'])
      expect(ownerFromName(wrong)).toBeUndefined()
  })
})
