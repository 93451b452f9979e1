import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { type Outcome, orch } from '../kit/exec.ts'
import { helloArchive } from '../kit/hello-archive.ts'
import { eachDockerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { exportsOf } from './docker-exports.ts'
import { blobPath, expectError, largeImage, layoutOf, MiB, partsOf } from './loading.ts'
import { filesProject } from './projects.ts'

const name = 'example.com/team/hello:1'
const arm64 = `${name}-linux-arm64`

eachDockerd('amd64', 'arm64')('platforms of an image for docker', version => {
  const keepsIndexes = version === '29'
  let dockerd: Dockerd
  let archive = ''
  beforeAll(async () => {
    dockerd = await startDockerd({ version })
    archive = await helloArchive(name)
  })
  beforeEach(async () => {
    for (const there of await dockerd.images()) await dockerd.docker(['rmi', '--force', there])
    expect(await dockerd.images()).toEqual([])
  })

  const copy = (source: string, ...more: readonly string[]): Promise<Outcome> =>
    orch(['copy', '--json', ...more.slice(1), source, `docker:${name}${more[0] ?? ''}`], {
      env: { DOCKER_HOST: dockerd.host },
    })
  const says = async (reference: string, architecture: string): Promise<void> => {
    const ran = await dockerd.run(reference, `linux/${architecture}`)
    expect(ran).toEqual({ exitCode: 0, stdout: `hello from ${architecture}\n`, stderr: '' })
  }

  it('are by default what the engine can hold', async () => {
    const copied = await copy(`oci-archive:${archive}`)
    const all = ['linux/amd64', 'linux/arm64']
    expect(exportsOf(copied)).toMatchObject([
      { names: [name], details: { platforms: keepsIndexes ? all : ['linux/amd64'] } },
    ])
    expect(await dockerd.images()).toEqual([name])
    await says(name, 'amd64')
    if (keepsIndexes) await says(name, 'arm64')
  })

  it('are all there when asked for, with names of their own where it keeps one a name', async () => {
    const copied = await copy(`oci-archive:${archive}`, ',platforms=all')
    const [loaded] = exportsOf(copied)
    expect(loaded?.names).toEqual(keepsIndexes ? [name] : [name, arm64])
    expect(await dockerd.images()).toEqual(loaded?.names)
    expect(copied.stderr.includes(`linux/arm64 is ${arm64}`)).toBe(!keepsIndexes)
    await says(keepsIndexes ? name : arm64, 'arm64')
  })

  it('are the engine’s own alone: a new index, or an image', async () => {
    const [loaded] = exportsOf(await copy(`oci-archive:${archive}`, ',platforms=native'))
    expect(loaded).toMatchObject({ names: [name], details: { platforms: ['linux/amd64'] } })
    await says(name, 'amd64')
    expect((await dockerd.run(name, 'linux/arm64')).stdout).toBe('')
    if (!keepsIndexes) return
    expect(loaded?.details.images[0]?.id).toBe(loaded?.digest)
    const [all] = exportsOf(await copy(`oci-archive:${archive}`))
    expect(all?.digest).not.toBe(loaded?.digest)
    expect(all?.details.sent.blobs).toBe(6) // The documents, and the layer for arm64.
  })

  it('are those of a list', async () => {
    const copied = await copy(`oci-archive:${archive}`, ',platforms=linux/arm64')
    const [loaded] = exportsOf(copied)
    const names = keepsIndexes ? [name] : [arm64]
    expect(loaded).toMatchObject({ names, details: { platforms: ['linux/arm64'] } })
    expect(await dockerd.images()).toEqual(names)
    await says(names[0] ?? '', 'arm64')
    const both = ',platforms=linux/arm64 linux/amd64'
    const [more] = exportsOf(await copy(`oci-archive:${archive}`, both))
    expect(more?.names.toSorted()).toEqual(keepsIndexes ? [name] : [name, arm64])
    await says(name, 'amd64')
  })

  it('that the image has not are an error which says what it has', async () => {
    const outcome = await copy(`oci-archive:${archive}`, ',platforms=linux/s390x')
    expect(outcome.exitCode).toBe(1)
    expect(outcome.stderr).toMatch(/error\[PLATFORM_MISSING\].*linux\/s390x.*linux\/arm64/)
    expect(await dockerd.images()).toEqual([])
  })

  it('that another system runs stay out, or are refused before anything is sent', async () => {
    const folder = await filesProject([])
    const two = ['linux/amd64', 'windows/amd64']
    const made = await orch(['-C', folder, 'build', '--platform', two.join(), '-e', 'layout'])
    expect(made.exitCode, made.stderr).toBe(0)
    const layout = `oci:${folder}/dist/oci`
    const copied = await copy(layout, ',platforms=all')
    const platforms = keepsIndexes ? two : ['linux/amd64']
    expect(exportsOf(copied)).toMatchObject([{ names: [name], details: { platforms } }])
    const said = 'without windows/amd64: the engine runs linux alone'
    expect(copied.stderr.includes(said)).toBe(!keepsIndexes)
    if (keepsIndexes) return
    await dockerd.docker(['rmi', name])
    for (const more of [
      [',platforms=windows/amd64'],
      ['', '--platform', 'windows/amd64'],
      [',platforms=all', '--platform', 'windows/amd64'],
    ]) {
      const refused = await copy(layout, ...more)
      expect(refused.exitCode).toBe(1)
      const why = 'the engine runs linux alone: it cannot keep windows/amd64'
      expect(refused.stderr).toContain(`error[PLATFORM_MISSING]: ${why}`)
    }
    const { stdout } = await dockerd.docker(['images', '--all', '--quiet'])
    expect(stdout).toBe('')
  })

  it('need no name of their own when there is one alone', async () => {
    const layout = `oci:${await tempFolder('arm64')}/oci`
    const one = await orch(['copy', '--platform', 'linux/arm64', `oci-archive:${archive}`, layout])
    expect(one.exitCode, one.stderr).toBe(0)
    const [loaded] = exportsOf(await copy(layout))
    expect(loaded).toMatchObject({ names: [name], details: { platforms: ['linux/arm64'] } })
    await says(name, 'arm64')
    const [again] = exportsOf(await copy(`oci-archive:${archive}`, '', '--platform', 'linux/arm64'))
    expect(again?.details.sent).toEqual({ blobs: 0, bytes: 0 })
  })

  it('compressed by zstd are converted where the engine reads none, and it says so', async () => {
    const folder = await filesProject([], ['    compression: {type: zstd}'])
    const both = ['--platform', 'linux/amd64,linux/arm64', '--tag', name]
    const made = await orch(['-C', folder, 'build', ...both, '--export', 'layout'])
    expect(made.exitCode, made.stderr).toBe(0)
    const layout = `oci:${folder}/dist/oci`
    expect((await orch(['inspect', '--json', layout])).stdout).toContain('tar+zstd')
    const copied = await copy(layout, ',platforms=all')
    const [loaded] = exportsOf(copied)
    const said =
      /Docker 20\.10\.\d+\S* reads no zstd: 2 layers are sent uncompressed; the image keeps its ID/
    if (keepsIndexes) expect(copied.stderr).not.toContain('zstd')
    else expect(copied.stderr).toMatch(said)
    for (const [architecture, reference] of [
      ['amd64', name],
      ['arm64', keepsIndexes ? name : arm64],
    ] as const) {
      const ran = await dockerd.run(reference, `linux/${architecture}`)
      expect(ran).toEqual({ exitCode: 0, stdout: '', stderr: 'tiny\n' })
    }
    for (const { id, names } of loaded?.details.images ?? [])
      expect(await dockerd.get(`/images/${names[0]}/json`)).toMatchObject({ Id: id })
    const again = await copy(layout, ',platforms=all')
    expect(exportsOf(again)[0]?.details.sent).toEqual({ blobs: 0, bytes: 0 })
    expect(again.stderr).not.toContain('zstd')
  })
})

eachDockerd()('a layer that is not what its digest says', version => {
  it('is named, and the image that had the name keeps it', async () => {
    const dockerd = await startDockerd({ version })
    const env = { DOCKER_HOST: dockerd.host }
    const sound = await layoutOf(await largeImage(4 * MiB))
    const before = await orch(['copy', `oci:${sound}`, `docker:${name}`], { env })
    expect(before.exitCode, before.stderr).toBe(0)
    const { Id } = (await dockerd.get(`/images/${name}/json`)) as { Id: string }
    const image = await largeImage(4 * MiB)
    const { layer } = partsOf(image)
    const spoiled = await layoutOf(image)
    await writeFile(blobPath(spoiled, layer.digest), randomBytes(layer.size))
    const outcome = await orch(['copy', `oci:${spoiled}`, `docker:${name}`], { env })
    expectError(outcome, { exitCode: 1, code: 'BLOB_CORRUPT', says: [layer.digest] })
    expect(await dockerd.get(`/images/${name}/json`)).toMatchObject({ Id })
    expect(await dockerd.images()).toEqual([name])
  })
})
