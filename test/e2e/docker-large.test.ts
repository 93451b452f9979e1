import { appendFile, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { bigArchive } from '../kit/big-archive.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { orch, run, startOrch } from '../kit/exec.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { exportsOf } from './docker-exports.ts'
import { expectError } from './loading.ts'

const name = 'example.com/large:1'
const patience = { timeout: 60_000, interval: 50 }

// One that keeps whole indexes: the platforms of a large image go to it in two parts, side by side.
needs('dockerd29', 'docker')('a large image of two platforms, into Docker 29', () => {
  let dockerd: Dockerd
  let archive = ''
  beforeAll(async () => {
    archive = await bigArchive(name, 2, 24_000_000)
    dockerd = await startDockerd({ version: '29' })
  })

  const copyFrom = (source: string): string[] => [
    ...['copy', '--progress', 'quiet'],
    ...[source, `docker:${name},host=${dockerd.host}`],
  ]
  /** What it has, with names or without. */
  const everything = async (): Promise<{ Id: string; RepoTags: string[] | null }[]> =>
    (await dockerd.get('/images/json?all=1')) as { Id: string; RepoTags: string[] | null }[]

  // First, since an engine keeps for a while what it was sent before.
  it('leaves nothing there when another platform lies', async () => {
    const folder = await tempFolder('lies')
    await run('tar', ['-xf', archive, '-C', folder])
    const { manifests } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
    const document = async (digest: string) =>
      JSON.parse(await readFile(join(folder, 'blobs/sha256', digest.slice(7)), 'utf8'))
    const index = await document(manifests[0].digest)
    const [layer] = (await document(index.manifests[1].digest)).layers
    const path = join(folder, 'blobs/sha256', layer.digest.slice(7))
    await truncate(path, layer.size - 1)
    await appendFile(path, 'x')
    const outcome = await orch(copyFrom(`oci:${folder}`))
    expectError(outcome, { exitCode: 1, code: 'BLOB_CORRUPT', says: [layer.digest] })
    await expect.poll(everything, patience).toEqual([])
  })

  it('is given up at any moment, and leaves nothing there', async () => {
    const copy = copyFrom(`oci-archive:${archive}`)
    const begun = performance.now()
    const whole = await orch(copy)
    expect(whole.exitCode, whole.stderr).toBe(0)
    const span = performance.now() - begun
    await dockerd.docker(['rmi', name])
    for (const part of [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) {
      const loading = await startOrch(copy)
      await sleep(part * span)
      loading.kill('SIGINT')
      const interrupted = performance.now()
      const { exitCode, stderr } = await loading.done
      expect([0, 130], stderr).toContain(exitCode)
      // Of an engine that stalls orch waits a second for this, and may leave an image without a name.
      const isGivenUp = performance.now() - interrupted > 900
      const left = async (): Promise<readonly unknown[]> => {
        const there = await everything()
        // The name, and so all of the image, where the load was quicker.
        for (const { Id, RepoTags } of there)
          if (isGivenUp || RepoTags?.length) await dockerd.docker(['rmi', '--force', Id])
        return there
      }
      // It may still be busy with what it was sent.
      await expect.poll(left, patience).toEqual([])
    }
  })

  it('is one image there, with all platforms, and sent once', async () => {
    const outcome = await orch([...copyFrom(`oci-archive:${archive}`), '--json'])
    const [loaded] = exportsOf(outcome)
    const { stdout } = await orch(['digest', `oci-archive:${archive}`])
    expect(loaded?.details.sent.bytes).toBeLessThan(4 * 24_000_000 * 1.01)
    expect(await everything()).toMatchObject([{ Id: stdout.trim(), RepoTags: [name] }])
    const found = (await dockerd.get(`/images/${name}/json?manifests=1`)) as {
      Manifests: { Available: boolean; ImageData: { Size: { Unpacked: number } } }[]
    }
    expect(found.Manifests.map(({ Available }) => Available)).toEqual([true, true])
    expect(found.Manifests[0]?.ImageData.Size.Unpacked).toBeGreaterThan(40_000_000)
    const created = await dockerd.docker(['create', name, '/none'])
    expect(created.exitCode, created.stderr).toBe(0)
  })
})
