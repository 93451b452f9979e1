import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { type Outcome, orch, run } from '../kit/exec.ts'
import { helloArchive } from '../kit/hello-archive.ts'
import { startRegistry } from '../kit/registry.ts'
import { eachDockerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { toolProgram } from '../kit/tools.ts'
import { exportsOf } from './docker-exports.ts'
import { flatArchive } from './docker-seeds.ts'

const seed = 'example.com/team/hello:dev'

eachDockerd(
  'amd64',
  'arm64',
  'skopeo',
  'registry',
  'crane',
)('an OCI archive of two platforms, without manifest.json', version => {
  const keepsIndexes = version === '29'
  let dockerd: Dockerd
  let folder = ''
  beforeAll(async () => {
    dockerd = await startDockerd({ version })
    folder = await tempFolder('seeds')
  })

  const copy = (archive: string, name: string, options = ',platforms=all'): Promise<Outcome> =>
    orch(['copy', '--json', `oci-archive:${archive}`, `docker:${name}${options}`], {
      env: { DOCKER_HOST: dockerd.host },
    })

  const makers: Readonly<Record<string, (archive: string) => Promise<void>>> = {
    async orch(archive) {
      const made = await orch([
        'copy',
        `oci-archive:${await helloArchive(seed)}`,
        `oci-archive:${archive}`,
      ])
      expect(made.exitCode, made.stderr).toBe(0)
    },
    async skopeo(archive) {
      const from = `oci-archive:${await helloArchive(seed)}`
      await run('skopeo', ['copy', '--all', '--preserve-digests', from, `oci-archive:${archive}`])
    },
    // crane writes layouts, and only from registries.
    async crane(archive) {
      const { host, stop } = await startRegistry({ version: '2.8' })
      const layout = join(folder, 'crane')
      const from = `oci-archive:${await helloArchive(seed)}`
      expect(await orch(['copy', from, `docker://${host}/seed:1`])).toMatchObject({ exitCode: 0 })
      await run(toolProgram('crane'), ['pull', '--format=oci', `${host}/seed:1`, layout])
      await run('tar', ['-cf', archive, '-C', layout, '.'])
      await stop()
    },
    // As some rules of Bazel write it: index.json lists the platforms itself.
    async flat(archive) {
      await flatArchive(await helloArchive(seed), archive)
    },
  }

  describe.each(Object.keys(makers))('made by %s', maker => {
    const name = `example.com/team/${maker}:1`
    let archive = ''
    beforeAll(async () => {
      archive = join(folder, `${maker}.tar`)
      await makers[maker]?.(archive)
    })

    if (!keepsIndexes)
      it('is what docker load takes for something else', async () => {
        const { exitCode, stderr } = await dockerd.load(archive)
        expect(exitCode).toBe(1)
        expect(stderr).toMatch(/open .*\/blobs\/json: no such file or directory/)
      })

    it('is loaded by orch, and runs on both', async () => {
      const [loaded] = exportsOf(await copy(archive, name))
      const other = keepsIndexes ? name : `${name}-linux-arm64`
      expect(loaded).toMatchObject({
        location: name,
        names: keepsIndexes ? [name] : [name, other],
        details: { platforms: ['linux/amd64', 'linux/arm64'] },
      })
      for (const [architecture, reference] of [
        ['amd64', name],
        ['arm64', other],
      ] as const) {
        const outcome = await dockerd.run(reference, `linux/${architecture}`)
        expect(outcome).toEqual({ exitCode: 0, stdout: `hello from ${architecture}\n`, stderr: '' })
      }
    })

    it('has the ID that orch says, and is not sent again', async () => {
      const [again] = exportsOf(await copy(archive, name))
      expect(again?.details.sent).toEqual({ blobs: 0, bytes: 0 })
      for (const { id, names } of again?.details.images ?? [])
        for (const one of names)
          expect(await dockerd.get(`/images/${one}/json`)).toMatchObject({ Id: id })
      expect(again?.details.images.map(({ id }) => id).includes(again.digest)).toBe(keepsIndexes)
    })
  })
})
