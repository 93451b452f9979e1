import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { rootedAt, type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import {
  blobOf,
  digestOf,
  encodeImageConfig,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  parseImageConfig,
  parseManifest,
  readBlob,
} from '../../packages/oci/src/index.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { type Outcome, orch, run } from '../kit/exec.ts'
import { helloArchive } from '../kit/hello-archive.ts'
import { eachDockerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { expectError, layoutOf } from './loading.ts'

/** An image whose config says of its layer what is not so. */
async function lyingImage(): Promise<TestImage> {
  const image = await testImage(['linux/amd64'])
  const [descriptor] = image.manifests
  if (descriptor === undefined) throw new Error('no manifest')
  const manifest = parseManifest(await readBlob(await blobOf(image.content, descriptor)))
  const config = parseImageConfig(await readBlob(await blobOf(image.content, manifest.config)))
  const rootfs = { type: 'layers', diff_ids: [digestOf('something else')] } as const
  const wrong = image.keep(encodeImageConfig({ ...config, rootfs }), mediaTypes.config)
  const made = image.keep(encodeManifest({ ...manifest, config: wrong }), mediaTypes.manifest, {
    platform: { os: 'linux', architecture: 'amd64' },
  })
  for (const gone of [image.root.digest, descriptor.digest, manifest.config.digest])
    image.blobs.delete(gone)
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [made] } as const
  return { ...rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image), manifests: [made] }
}

/** An archive of the program for two platforms, without the layer of the second. */
async function halfArchive(name: string): Promise<string> {
  const folder = await tempFolder('half')
  await run('tar', ['-xf', await helloArchive(name), '-C', folder])
  const blobs = join(folder, 'blobs/sha256')
  const layers: string[] = []
  for (const blob of await readdir(blobs)) {
    const bytes = await readFile(join(blobs, blob))
    // The first member of the layer is an ELF file (elf.h): for 183, EM_AARCH64.
    const isElf = bytes.length > 1024 && bytes.readUInt32BE(512) === 0x7f454c46
    if (isElf && bytes.readUInt16LE(512 + 18) === 183) layers.push(join(blobs, blob))
  }
  expect(layers).toHaveLength(1)
  await run('rm', layers)
  const archive = join(await tempFolder('half'), 'half.tar')
  await run('tar', ['-cf', archive, '-C', folder, '.'])
  return archive
}

eachDockerd('amd64', 'arm64')('a Docker Engine', version => {
  let dockerd: Dockerd
  beforeAll(async () => {
    dockerd = await startDockerd({ version })
  })

  const copy = (from: string, to: string): Promise<Outcome> =>
    orch(['copy', '--progress', 'quiet', from, to], { env: { DOCKER_HOST: dockerd.host } })

  it('is left without an image that it cannot unpack, however often it is loaded', async () => {
    const layout = await layoutOf(await lyingImage())
    for (const _ of [1, 2]) {
      const outcome = await copy(`oci:${layout}`, 'docker:lies:1')
      expectError(outcome, { exitCode: 1, code: 'DOCKER_LOAD', says: [dockerd.host] })
      expect(await dockerd.get('/images/json?all=1')).toEqual([])
    }
  })

  it('gives the platforms that it has of an image that it has in part', async () => {
    const name = 'example.com/part:1'
    // As after a pull: an index, and the content of one platform.
    if (version === '29') await dockerd.load(await halfArchive(name))
    else
      expect(await copy(`oci-archive:${await helloArchive(name)}`, `docker:${name}`)).toMatchObject(
        { exitCode: 0 },
      )
    const folder = join(await tempFolder('from'), 'oci')
    const back = await copy(`docker-daemon:${name}`, `oci:${folder}`)
    expect(back.exitCode, back.stderr).toBe(0)
    if (version === '29') expect(back.stderr).toContain('without linux/arm64')
    const { stdout } = await orch(['inspect', '--json', `oci:${folder}`])
    expect(stdout).toContain('amd64')
    expect(stdout).not.toContain('arm64')
    expect(await readFile(join(folder, 'oci-layout'), 'utf8')).toContain('1.0.0')
    expect(await orch(['validate', `oci:${folder}`])).toMatchObject({ exitCode: 0 })
  })
})
