import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import type { TestImage } from '../../packages/oci/src/graph/test-image.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { type Outcome, orch } from '../kit/exec.ts'
import { eachContainerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import {
  blobPath,
  expectError,
  expectLoaded,
  largeImage,
  layoutOf,
  MiB,
  partsOf,
  untilLarge,
} from './loading.ts'

const name = 'example.com/team/app:1'

eachContainerd()('a containerd as the source of a copy', version => {
  let daemon: Containerd
  let root = ''
  let source = ''
  let image: TestImage
  let layout = ''
  beforeAll(async () => {
    root = await tempFolder('root')
    daemon = await startContainerd({ version, root })
    const { address, namespace } = daemon
    source = `containerd:${name},address=${address},namespace=${namespace}`
    image = await largeImage(128 * MiB)
    layout = await layoutOf(image)
    const loaded = await load()
    expect(loaded.exitCode, loaded.stderr).toBe(0)
  })

  const load = (): Promise<Outcome> => {
    const to = `${source},snapshotter=${daemon.snapshotter}`
    return orch(['copy', '--progress', 'quiet', `oci:${layout}`, to])
  }
  const copyTo = (path: string): Promise<Outcome> =>
    orch(['copy', '--progress', 'quiet', source, `oci:${path}`])

  it('that dies half-way: the error says so, and nothing is written', async () => {
    const out = await tempFolder('out')
    const copying = copyTo(`${out}/oci`)
    await untilLarge(`${out}/oci/.orch-tmp/*`, 8 * MiB)
    await daemon.kill()
    const says = [daemon.address, 'broke', 'Content.Read']
    const outcome = await copying
    expectError(outcome, { exitCode: 1, code: 'CONTAINERD_LOST', says })
    expect(outcome.stderr).not.toContain('uploaded')
    expect(await readdir(out)).toEqual([])
    await daemon.restart()
    expect(await copyTo(`${out}/oci`)).toMatchObject({ exitCode: 0 })
    expect(await orch(['validate', `oci:${out}/oci`])).toMatchObject({ exitCode: 0 })
  })

  it('whose disk spoiled blobs: nothing is written, and a load says how to mend it', async () => {
    const { layer, manifest } = partsOf(image)
    const out = await tempFolder('out')
    for (const { digest, size } of [layer, manifest]) {
      const path = blobPath(join(root, 'io.containerd.content.v1.content'), digest)
      await writeFile(path, randomBytes(size))
      const outcome = await copyTo(`${out}/oci`)
      expectError(outcome, { exitCode: 1, code: 'BLOB_CORRUPT', says: [digest] })
      expect(await readdir(out)).toEqual([])
    }
    const says = [daemon.address, manifest.digest]
    const refused = await load()
    expectError(refused, { exitCode: 1, code: 'BLOB_CORRUPT', says })
    expect(refused.stderr).toMatch(`content rm ${manifest.digest}`)
    for (const { digest } of [layer, manifest])
      expect(await daemon.ctr(['content', 'rm', digest])).toMatchObject({ exitCode: 0 })
    expect(await load()).toMatchObject({ exitCode: 0 })
    await expectLoaded(daemon, name, image)
  })
})
