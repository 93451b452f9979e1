import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { startDockerd } from '../kit/dockerd.ts'
import { run, startOrch } from '../kit/exec.ts'
import { ociArchive } from '../kit/oci-archive.ts'
import { watchMemory } from '../kit/ps.ts'
import { eachDockerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { smallDisk } from '../kit/tmpfs.ts'
import { exportsOf } from './docker-exports.ts'
import { MiB } from './loading.ts'

const name = 'example.com/large:1'
const size = 600_000_000

describe('a layer of 600 MB', () => {
  let archive = ''
  beforeAll(async () => {
    const folder = await tempFolder('large')
    await writeFile(join(folder, 'data'), '')
    // Nothing looks at the bytes but a digest: zeros are as good, and are there at once.
    await truncate(join(folder, 'data'), size)
    const layer = join(folder, 'layer.tar')
    await run('tar', ['-cf', layer, '-C', folder, 'data'])
    archive = await ociArchive(name, [{ architecture: 'amd64', layers: [layer] }])
  })

  eachDockerd('mounts')('is loaded', version => {
    it('in less than 200 MiB of memory, and with next to nothing on disk', async () => {
      const dockerd = await startDockerd({ version })
      // All that orch may write goes here, where nothing large has room.
      const disk = await smallDisk(16 * MiB)
      const [cache, TMPDIR] = [join(disk, 'cache'), join(disk, 'tmp')]
      await mkdir(TMPDIR)
      const to = `docker:${name},host=${dockerd.host}`
      const args = ['copy', '--json', `oci-archive:${archive}`, to]
      const running = await startOrch(args, { cache, env: { TMPDIR } })
      const memory = watchMemory(running.pid)
      const outcome = await running.done.finally(() => memory.stop())
      const [loaded] = exportsOf(outcome)
      expect(loaded?.details.sent.bytes).toBeGreaterThan(size)
      expect(memory.stop().own / MiB).toBeLessThan(200)
      await dockerd.stop()
    })
  })
})
