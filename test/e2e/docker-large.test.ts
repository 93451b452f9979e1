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
const slow = 120_000

// One that keeps whole indexes: the platforms of a large image go to it in two parts, side by side.
needs('dockerd29', 'docker')('a large image of two platforms, into Docker 29', () => {
  let dockerd: Dockerd
  let archive = ''
  beforeAll(async () => {
    archive = await bigArchive(name, 2, 24_000_000)
    dockerd = await startDockerd({ version: '29' })
  }, slow)

  const copyFrom = (source: string): string[] => [
    ...['copy', '--progress', 'quiet'],
    ...[source, `docker:${name},host=${dockerd.host}`],
  ]
  /** What it has, with names or without. */
  const everything = async (): Promise<{ Id: string; RepoTags: string[] }[]> =>
    (await dockerd.get('/images/json?all=1')) as { Id: string; RepoTags: string[] }[]

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
    expect(await everything()).toEqual([])
  })

  it('is given up at any moment, and leaves nothing there', async () => {
    for (const milliseconds of [150, 200, 250, 300, 350, 400, 450, 500]) {
      const loading = await startOrch(copyFrom(`oci-archive:${archive}`))
      await sleep(milliseconds)
      loading.kill('SIGINT')
      const { exitCode, stderr } = await loading.done
      expect([0, 130], stderr).toContain(exitCode)
      if (exitCode === 0) await dockerd.docker(['rmi', name])
      // It may still be busy with what it was sent.
      await expect.poll(everything, { timeout: 5_000 }).toEqual([])
    }
  }, 60_000)

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
