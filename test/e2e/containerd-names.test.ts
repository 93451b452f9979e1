import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nameAnnotations } from '@orch/oci'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { type Outcome, orch, run } from '../kit/exec.ts'
import { eachContainerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { expectError, heldBy, layoutOf } from './loading.ts'

const name = 'example.com/team/app:1'
const nothing = { contents: [], snapshots: [], leases: [], ingests: [] }

let image: TestImage
let nameless = ''
beforeAll(async () => {
  image = await testImage()
  nameless = await archiveOf(await layoutOf(image))
})

async function archiveOf(layout: string): Promise<string> {
  const archive = join(await tempFolder('archive'), 'image.tar')
  await run('tar', ['-cf', archive, '-C', layout, '.'])
  return archive
}

/** An archive whose index names the image's manifests themselves, each under the name, or under none. */
async function flatArchive(shared?: string): Promise<string> {
  const layout = await layoutOf(image)
  const file = join(layout, 'index.json')
  const annotations = shared === undefined ? {} : { [nameAnnotations.containerd]: shared }
  const manifests = image.manifests.map(manifest => ({ ...manifest, annotations }))
  const index = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...index, manifests }))
  return archiveOf(layout)
}

eachContainerd()('the names that images get in containerd', version => {
  let daemon: Containerd
  beforeAll(async () => {
    daemon = await startContainerd({ version })
  })
  afterEach(async () => {
    for (const there of await daemon.images()) await daemon.ctr(['images', 'rm', '--sync', there])
    expect(await heldBy(daemon)).toMatchObject(nothing)
  })

  const copy = (archive: string, ...more: readonly string[]): Promise<Outcome> => {
    const { address, namespace, snapshotter } = daemon
    const to = `containerd,address=${address},namespace=${namespace},snapshotter=${snapshotter}`
    return orch(['copy', '--progress', 'quiet', `oci-archive:${archive}`, to, ...more])
  }

  it('are not given to two images', async () => {
    const layout = await layoutOf(image, name)
    const other = `oci:${await layoutOf(await testImage(['linux/arm64']), 'example.com/other:1')}`
    expect(await orch(['copy', other, `oci:${layout}`])).toMatchObject({ exitCode: 0 })
    const { address, namespace } = daemon
    const to = `containerd,address=${address},namespace=${namespace},names=example.com/one:1`
    const outcome = await orch(['copy', '--progress', 'quiet', `oci:${layout}`, to])
    expect(outcome.exitCode).toBe(2)
    expect(outcome.stderr).toMatch(/NAME_TAKEN.*example\.com\/one:1/)
    expect(await daemon.images()).toEqual([])
  })

  it('are no IDs: Kubernetes keeps a record of each image under its own', async () => {
    const archive = await archiveOf(await layoutOf(image, name))
    expect(await copy(archive)).toMatchObject({ exitCode: 0 })
    const id = `sha256:${'65'.repeat(32)}`
    expect(await daemon.ctr(['images', 'tag', name, id])).toMatchObject({ exitCode: 0 })
    const { address, namespace } = daemon
    const away = await tempFolder('away')
    const source = `containerd:,address=${address},namespace=${namespace}`
    const outcome = await orch(['copy', '--json', source, `oci:${away}/oci`])
    expect(JSON.parse(outcome.stdout).images).toMatchObject([{ references: [name] }])
  })

  it('are wanted where an archive has none', async () => {
    const outcome = await copy(nameless)
    expectError(outcome, { exitCode: 2, code: 'NAME_MISSING', says: ['has no name'] })
    expect(outcome.stderr).toMatch(/hint: .*--name/)
    expect(await heldBy(daemon)).toMatchObject(nothing)
    expect(await copy(nameless, '--name', name, '--name', 'app:2')).toMatchObject({ exitCode: 0 })
    expect(await daemon.images()).toEqual(['docker.io/library/app:2', name])
  })

  it('are those in the archive, every one', async () => {
    const both = await archiveOf(await layoutOf(image, 'app:2', name))
    expect(await copy(both)).toMatchObject({ exitCode: 0 })
    expect(await daemon.images()).toEqual(['docker.io/library/app:2', name])
    expect(await daemon.contents()).toEqual([...image.blobs.keys()].sort())
  })

  it('stand for one image: two manifests under one name are refused, none is lost', async () => {
    const outcome = await copy(await flatArchive(name))
    expectError(outcome, { exitCode: 1, code: 'IMAGE_AMBIGUOUS', says: [name] })
    for (const { digest } of image.manifests) expect(outcome.stderr).toContain(digest)
    expect(await heldBy(daemon)).toMatchObject(nothing)
  })

  it.each([undefined, name])(
    'can be given to a flat list of manifests (called %s)',
    async called => {
      const outcome = await copy(await flatArchive(called), '--name', 'app:3', '--json')
      expect(outcome.exitCode, outcome.stderr).toBe(0)
      const [copied] = JSON.parse(outcome.stdout).images
      expect(copied.platforms.map((item: { platform: string }) => item.platform)).toEqual([
        'linux/amd64',
        'linux/arm64',
      ])
      expect(await daemon.images()).toEqual(['docker.io/library/app:3'])
      const below = [...image.blobs.keys()].filter(digest => digest !== image.root.digest)
      expect(await daemon.contents()).toEqual([...below, copied.digest].sort())
    },
  )
})
