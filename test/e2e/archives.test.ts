import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ArchiveFormat,
  blobPath,
  type ImageSource,
  missingError,
  onlyPlatforms,
  openArchive,
  openLayout,
  parsePlatform,
  pickImage,
  platformManifests,
  surveyGraph,
  validateImage,
} from '@orch/oci'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { orch, run } from '../kit/exec.ts'
import { eachContainerd, needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { helloProject } from './projects.ts'

let folder = ''
let digest = ''
beforeAll(async () => {
  folder = await helloProject()
  const outcome = await orch([
    '-C',
    folder,
    'build',
    '--export',
    'layout',
    '--export',
    'oci-archive',
  ])
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  digest = outcome.stdout.trim().split('@')[1] ?? ''
})

/** The images of an archive, each found sound. */
async function soundImages(path: string, format?: ArchiveFormat): Promise<readonly ImageSource[]> {
  const archive = await openArchive(path, format === undefined ? {} : { format })
  const images = pickImage(archive, undefined, true).images?.() ?? []
  for (const image of images) expect((await validateImage(image)).findings).toEqual([])
  return images
}

const namesOf = (images: readonly ImageSource[]): unknown[] => images.map(image => image.names)

needs('skopeo')('archives by skopeo, and so by podman and buildah', () => {
  const name = 'example.com/copy:1'
  it.each([
    ['docker-archive', `:${name}`, [name]],
    ['docker-archive', '', []],
    ['oci-archive', `:${name}`, [name]],
    ['oci-archive', ':latest', []],
  ])('%s%s', async (kind, suffix, names) => {
    const path = join(await tempFolder('skopeo'), 'x.tar')
    const from = `oci:${folder}/dist/oci:example.com/hello:dev`
    const platform = ['--override-os', 'linux', '--override-arch', 'arm64']
    const to = `${kind}:${path}${suffix}`
    await run('skopeo', [...platform, 'copy', '--insecure-policy', '--quiet', from, to])
    const images = await soundImages(path)
    expect(namesOf(images)).toEqual([names])
    const platforms = images.map(image => platformManifests(image))
    expect((await Promise.all(platforms)).flat().map(item => item.platform.architecture)).toEqual([
      'arm64',
    ])
  })

  it('in one layout under two tags are two images', async () => {
    const layout = join(await tempFolder('skopeo'), 'oci')
    const from = `oci:${folder}/dist/oci:example.com/hello:dev`
    for (const arch of ['amd64', 'arm64']) {
      const copy = ['copy', '--insecure-policy', '--quiet', from, `oci:${layout}:${arch}`]
      await run('skopeo', ['--override-os', 'linux', '--override-arch', arch, ...copy])
    }
    const opened = await openLayout(layout)
    expect(namesOf(pickImage(opened, undefined, true).images?.() ?? [])).toEqual([[], []])
    expect(() => pickImage(opened, undefined)).toThrow('it holds amd64, arm64')
    expect((await surveyGraph(pickImage(opened, 'arm64'))).complete).toEqual(['linux/arm64'])
  })
})

needs('umoci')('a layout by umoci', () => {
  it('is read, though its image has no layers', async () => {
    const layout = join(await tempFolder('umoci'), 'oci')
    await run('umoci', ['init', '--layout', layout])
    await run('umoci', ['new', '--image', `${layout}:empty`])
    const image = pickImage(await openLayout(layout), 'empty')
    expect(await surveyGraph(image)).toMatchObject({ missing: [], nodes: { length: 2 } })
  })
})

eachContainerd()('archives by ctr images export', version => {
  const first = 'example.com/hello:dev'
  const second = 'example.com/hello:again'
  let containerd: Containerd
  let work = ''
  beforeAll(async () => {
    containerd = await startContainerd({ version })
    work = await tempFolder('ctr')
    const archive = join(folder, 'dist', 'hello.tar')
    await ctr('images', 'import', '--all-platforms', '--no-unpack', archive)
    await ctr('images', 'tag', first, second)
  })

  async function ctr(...args: readonly string[]): Promise<void> {
    const outcome = await containerd.ctr(args)
    expect(outcome.exitCode, outcome.stderr).toBe(0)
  }

  async function exported(
    path: string,
    references: readonly string[],
    ...options: readonly string[]
  ): Promise<void> {
    const outcome = await containerd.export(path, references, options)
    expect(outcome.exitCode, outcome.stderr).toBe(0)
  }

  it('hold one image under all its names', async () => {
    const path = join(work, 'all.tar')
    await exported(path, [first, second], '--all-platforms')
    const images = await soundImages(path)
    expect(images.map(image => image.root.digest)).toEqual([digest])
    expect(namesOf(images)).toEqual([[first, second]])
  })

  it('are docker archives too, of one platform', async () => {
    const path = join(work, 'docker.tar')
    await exported(path, [first], '--platform', 'linux/arm64')
    const images = await soundImages(path, 'docker')
    expect(namesOf(images)).toEqual([[first]])
    const [image] = images
    expect(image && (await surveyGraph(image)).complete).toEqual(['linux/arm64'])
  })

  it('of one platform lack the other: it is named, seen and can be left out', async () => {
    const path = join(work, 'sparse.tar')
    await exported(path, [first], '--platform', 'linux/arm64')
    const image = pickImage(await openArchive(path), undefined)
    const survey = await surveyGraph(image)
    expect(survey).toMatchObject({
      complete: ['linux/arm64'],
      missing: [{ role: 'manifest', platforms: ['linux/amd64'] }],
    })
    expect(missingError(survey, 'x').message).toContain(
      'x lacks a blob: linux/amd64 manifest sha256:',
    )
    const arm64 = await onlyPlatforms(image, [parsePlatform('linux/arm64')], { what: 'x' })
    expect((await validateImage(arm64)).findings).toEqual([])
    const tree = await orch(['inspect', `oci-archive:${path}`])
    expect(tree.exitCode, tree.stderr).toBe(0)
    const missing = tree.stdout.split('\n').filter(line => line.endsWith('missing'))
    expect(missing).toEqual([expect.stringContaining('linux/amd64')])
  })
})

describe('orch inspect of an image that lacks a layer and a config', () => {
  it('shows the tree, and says what is missing', async () => {
    const layout = join(await tempFolder('sparse'), 'oci')
    const outcome = await orch(['-C', folder, 'build', '--export', `layout,dest=${layout}`])
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    const image = pickImage(await openLayout(layout), undefined)
    const { nodes } = await surveyGraph(image)
    const arm64 = nodes.find(node => node.descriptor.platform?.architecture === 'arm64')
    if (arm64?.document?.kind !== 'manifest') throw new Error('no manifest for arm64')
    const { config, layers } = arm64.document.manifest
    const last = layers.at(-1)
    if (last === undefined) throw new Error('no layer')
    for (const item of [config, last]) await rm(blobPath(layout, item.digest))
    const { missing, complete } = await surveyGraph(image)
    expect(missing).toEqual([
      { descriptor: config, role: 'config', platforms: ['linux/arm64'] },
      { descriptor: last, role: `layers[${layers.length - 1}]`, platforms: ['linux/arm64'] },
    ])
    expect(complete).toEqual(['linux/amd64'])
    const tree = await orch(['inspect', `oci:${layout}`])
    expect(tree.exitCode, tree.stderr).toBe(0)
    const lines = tree.stdout.split('\n').filter(line => line.endsWith('missing'))
    expect(lines).toEqual([
      expect.stringContaining(config.digest),
      expect.stringContaining(last.digest),
    ])
    const json = JSON.parse((await orch(['inspect', '--json', `oci:${layout}`])).stdout)
    expect(JSON.stringify(json).match(/"missing":true/g)).toHaveLength(2)
  })
})
