import { randomFillSync } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startOrch } from '../kit/exec.ts'
import { watchMemory } from '../kit/ps.ts'
import { tempFolder } from '../kit/temp.ts'
import { filesProject } from './projects.ts'

const MiB = 1024 * 1024

/** Builds an image with a file of this size and returns orch's own peak of resident memory, in MiB. */
async function peakWith(megabytes: number, more: readonly string[] = []): Promise<number> {
  const folder = await filesProject(['{from: big.bin, to: /srv/big.bin}'], more)
  const file = await open(join(folder, 'big.bin'), 'w')
  const chunk = Buffer.alloc(MiB)
  for (let at = 0; at < megabytes; at += 1) {
    randomFillSync(chunk, 0, MiB / 2) // the other half stays the same, so that compressors have work
    await file.write(chunk)
  }
  await file.close()
  const exports = ['--export', 'layout', '--export', 'oci-archive']
  const running = await startOrch(['-C', folder, 'build', ...exports], {
    cache: await tempFolder('cache'),
  })
  const memory = watchMemory(running.pid)
  const outcome = await running.done.finally(() => memory.stop())
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  return memory.stop().own / MiB
}

it.each([
  ['gzip', []],
  ['zstd', ['    compression: zstd']],
])('stays under 300 MiB with a file of 600 MB in a layer, compressed with %s', async (_, more) => {
  expect(await peakWith(600, more)).toBeLessThan(300)
})

it('does not grow with the file', async () => {
  const small = await peakWith(150)
  const large = await peakWith(600)
  expect(large - small).toBeLessThan(60)
})
