import { join } from 'node:path'
import { expect, it } from 'vitest'
import { orch, startOrch } from '../kit/exec.ts'
import { watchMemory } from '../kit/ps.ts'
import { startRegistry } from '../kit/registry.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { layeredImage } from './layered.ts'

const MiB = 1024 * 1024

/** Copies an image and returns orch's own peak of resident memory, in MiB. */
async function peakOf(from: string, to: string): Promise<number> {
  const cache = await tempFolder('cache')
  const running = await startOrch(['copy', '--progress', 'quiet', from, to], { cache })
  const memory = watchMemory(running.pid)
  const outcome = await running.done.finally(() => memory.stop())
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  return memory.stop().own / MiB
}

needs('registry3')('300 MB in two platforms', () => {
  it('are pushed and pulled in less than 200 MiB of memory', async () => {
    const { layout, digest } = await layeredImage(['linux/amd64', 'linux/arm64'], 150 * MiB)
    const { host } = await startRegistry({ version: '3' })
    const reference = `docker://${host}/team/large:1`
    expect(await peakOf(`oci:${layout}`, reference)).toBeLessThan(200)
    const pulled = join(await tempFolder('pulled'), 'oci')
    expect(await peakOf(reference, `oci:${pulled}`)).toBeLessThan(200)
    const outcome = await orch(['digest', `oci:${pulled}`])
    expect(outcome.stdout.trim()).toBe(digest)
  })
})
