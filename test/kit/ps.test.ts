import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { start } from './exec.ts'
import { processesWith, processTree, watchMemory } from './ps.ts'
import { tempFolder } from './temp.ts'

const MiB = 1024 * 1024

describe('watching processes', () => {
  it('sees the peak of a process and of its children, also when it is over', async () => {
    const ready = join(await tempFolder(), 'ready')
    const grandchild = `
      globalThis.kept = Buffer.alloc(100 << 20, 1)
      require('node:fs').writeFileSync('${ready}', '')
      setTimeout(() => {}, 60_000)`
    const script = `
      let big = Buffer.alloc(200 << 20, 1)
      big = undefined
      globalThis.gc()
      const args = ['-e', ${JSON.stringify(grandchild)}]
      require('node:child_process').spawn(process.execPath, args)
      setTimeout(() => {}, 60_000)`
    const child = start(process.execPath, ['--expose-gc', '-e', script])
    const memory = watchMemory(child.pid)
    await vi.waitFor(() => expect(existsSync(ready)).toBe(true), 15_000)
    const { own, tree } = memory.stop()
    const all = processTree(child.pid)
    for (const pid of all) process.kill(pid, 'SIGKILL')
    await child.done
    expect(all).toHaveLength(2)
    expect(own).toBeGreaterThan(200 * MiB)
    expect(own).toBeLessThan(300 * MiB)
    expect(tree).toBeGreaterThan(120 * MiB)
  })

  it('finds a process by its arguments', async () => {
    const mark = `61.${process.pid}`
    const child = start('sleep', [mark])
    expect(processesWith(args => args.includes(mark))).toEqual([child.pid])
    child.kill('SIGKILL')
    await child.done
    expect(processTree(child.pid)).toEqual([child.pid])
  })

  it('says when there was nothing to see', async () => {
    const child = start('true', [])
    await child.done
    expect(() => watchMemory(child.pid).stop()).toThrow('was gone before its memory was seen')
  })
})
