import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { orch, run } from '../kit/exec.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { filesProject, helloProject } from './projects.ts'

let folder = ''
let digest = ''
beforeAll(async () => {
  folder = await helloProject()
  const exports = [
    'layout',
    'oci-archive',
    'oci-archive,dest=dist/hello.tar.gz,compression=gzip',
    'oci-archive,dest=dist/hello.tar.zst,compression=zstd',
    'docker-archive,platform=linux/arm64',
  ].flatMap(text => ['--export', text])
  const outcome = await orch(['-C', folder, 'build', ...exports])
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  digest = /@(\S+)/.exec(outcome.stdout)?.[1] ?? ''
})

describe('what orch exports', () => {
  it.each([
    'oci:dist/oci',
    'oci:dist/oci:example.com/hello:dev',
    'oci-archive:dist/hello.tar',
    'oci-archive:dist/hello.tar.gz',
    'oci-archive:dist/hello.tar.zst:example.com/hello:dev',
  ])('it reads back whole and unchanged: %s', async source => {
    expect(await orch(['-C', folder, 'validate', source])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('platforms linux/amd64, linux/arm64'),
    })
    expect((await orch(['-C', folder, 'inspect', source])).stdout).toContain(digest)
  })

  it('in a docker archive has the one platform that was chosen', async () => {
    const validated = await orch(['-C', folder, 'validate', 'docker-archive:dist/hello.docker.tar'])
    expect(validated).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('platforms linux/arm64'),
    })
    const outcome = await orch(['-C', folder, 'build', '--export', 'docker-archive'])
    expect(outcome).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error[ARCHIVE_SINGLE_PLATFORM]'),
    })
  })

  it('says that several images cannot share one archive file', async () => {
    const project = await filesProject([], ['  other:', '    build: {go: .}', '    base: scratch'])
    const outcome = await orch(['-C', project, 'build', '--export', 'oci-archive,dest=both.tar'])
    expect(outcome).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error[ARCHIVE_SHARED]'),
    })
    const own = await orch(['-C', project, 'build', '--export', 'oci-archive'])
    expect(own.exitCode, own.stderr).toBe(0)
    expect(own.stdout.trim().split('\n')).toHaveLength(2)
  })

  it('stands in the metadata file by the names that buildx gives', async () => {
    await orch(['-C', folder, 'build', '--metadata-file', 'meta.json'])
    const metadata = JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8'))
    expect(metadata).toMatchObject({
      'containerimage.digest': digest,
      'image.name': 'example.com/hello:dev',
      images: [{ platforms: [{ platform: 'linux/amd64' }, { platform: 'linux/arm64' }] }],
    })
  })
})

describe('a base', () => {
  it.each([
    'oci:%/dist/oci',
    'oci-archive:%/dist/hello.tar.gz',
    'docker-archive:%/dist/hello.docker.tar',
  ])('may be %s', async text => {
    const project = await filesProject([])
    const file = join(project, 'orch.yaml')
    const base = JSON.stringify(text.replace('%', folder))
    await writeFile(file, (await readFile(file, 'utf8')).replace('base: scratch', `base: ${base}`))
    const outcome = await orch(['-C', project, 'build', '--platform', 'linux/arm64', '--json'])
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    expect(JSON.parse(outcome.stdout).images[0].platforms[0].layers).toBe(3)
    expect(await orch(['-C', project, 'validate', 'oci:dist/oci'])).toMatchObject({ exitCode: 0 })
  })

  it('serves a variant of its architecture', async () => {
    const project = await helloProject()
    const outcome = await orch(['-C', project, 'build', '--platform', 'linux/amd64/v3', '--json'])
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    expect(JSON.parse(outcome.stdout).images[0].platforms[0].platform).toBe('linux/amd64/v3')
    expect(await orch(['-C', project, 'validate', 'oci:dist/oci'])).toMatchObject({ exitCode: 0 })
  })

  it('gives its platforms for all', async () => {
    const project = await filesProject([])
    const file = join(project, 'orch.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('base: scratch', `base: "oci:${folder}/dist/oci"`))
    const outcome = await orch(['-C', project, 'build', '--platform', 'all', '--json'])
    const { platforms } = JSON.parse(outcome.stdout).images[0]
    expect(platforms.map((item: { platform: string }) => item.platform)).toEqual([
      'linux/amd64',
      'linux/arm64',
    ])
  })
})

needs('skopeo')('other tools', () => {
  it('read our docker archive, and we read the archives that they write', async () => {
    const work = await tempFolder('skopeo')
    const from = `docker-archive:${folder}/dist/hello.docker.tar`
    for (const to of ['docker-archive', 'oci-archive']) {
      const path = join(work, `${to}.tar`)
      await run('skopeo', ['copy', '--insecure-policy', from, `${to}:${path}:example.com/copy:1`])
      const validated = await orch(['validate', `${to}:${path}`])
      expect(validated, validated.stdout).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('valid; '),
      })
    }
    const all = join(work, 'all')
    const layout = `oci:${folder}/dist/oci:example.com/hello:dev`
    await run('skopeo', ['copy', '--insecure-policy', '--all', layout, `oci:${all}:copied`])
    expect((await orch(['inspect', `oci:${all}:copied`])).stdout).toContain(digest)
    expect(await orch(['validate', `oci:${all}`])).toMatchObject({ exitCode: 0 })
  })
})
