import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { startContainerd } from '../kit/containerd.ts'
import { exec, orch, run } from '../kit/exec.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { eventsOf, workOf } from './events.ts'
import { regclientImages, regclientPlatforms, regclientProject } from './projects.ts'

interface ImageDocument {
  readonly name: string
  readonly digest: string
  readonly platforms: readonly { readonly platform: string; readonly digest: string }[]
}

function digestsOf(stdout: string): readonly string[] {
  return (JSON.parse(stdout) as { images: ImageDocument[] }).images.map(image => image.digest)
}

needs('regclient')('three commands of a real project for four platforms', () => {
  let folder = ''
  let cache = ''
  let built: readonly ImageDocument[] = []
  beforeAll(async () => {
    folder = await regclientProject()
    cache = await tempFolder('cache')
    const exports = ['--export', 'layout', '--export', 'oci-archive']
    const outcome = await orch(['-C', folder, 'build', '--json', ...exports], { cache })
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    expect(outcome.stderr).not.toContain('error')
    built = JSON.parse(outcome.stdout).images
  }, 900_000)

  it('come out as one index an image, with every platform', () => {
    expect(built.map(image => image.name).sort()).toEqual(regclientImages)
    for (const image of built)
      expect(image.platforms.map(item => item.platform)).toEqual(regclientPlatforms)
  })

  it('are found sound by orch validate, in the layout and in the archives', async () => {
    const layout = await orch(['-C', folder, 'validate', 'oci:dist/oci'], { cache })
    expect(layout).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('oci:dist/oci: valid;'),
    })
    const archive = await orch(
      ['-C', folder, 'validate', '--json', 'oci-archive:dist/regctl.tar'],
      { cache },
    )
    expect(JSON.parse(archive.stdout)).toMatchObject({
      findings: [],
      platforms: regclientPlatforms,
    })
  })

  it('are built again with neither compiler nor compressor when nothing changed', async () => {
    const again = await orch(['-C', folder, 'build', '--json', '--progress', 'rawjson'], { cache })
    const events = eventsOf(again.stderr)
    expect(workOf(events)).toEqual([])
    for (const kind of ['compile', 'compress']) {
      const found = events.filter(event => event.type === 'action' && event.kind === kind)
      expect(found).toHaveLength(12)
    }
    expect(digestsOf(again.stdout)).toEqual(built.map(image => image.digest))
  })

  it('have the same digests from another folder, an empty cache and one core', async () => {
    const other = await regclientProject()
    const own = await tempFolder('cache')
    // An own process under taskset: threads, chunks in flight and Go's parallelism all follow the cores.
    const bundle = new URL('../../packages/cli/bin/orch.cjs', import.meta.url).pathname
    const args = [
      '-c',
      '0',
      process.execPath,
      bundle,
      '-C',
      other,
      'build',
      '--json',
      '--progress',
      'rawjson',
    ]
    const outcome = await exec('taskset', args, { env: { ORCH_CACHE_DIR: own } })
    expect(outcome.exitCode).toBe(0)
    expect(workOf(eventsOf(outcome.stderr)).filter(work => work === 'compress')).toHaveLength(12)
    expect(digestsOf(outcome.stdout)).toEqual(built.map(image => image.digest))
    await rm(other, { recursive: true })
  })

  needs('skopeo', 'umoci')('go through other tools', () => {
    for (const platform of regclientPlatforms) {
      it(`skopeo copies and umoci unpacks ${platform} of each`, async () => {
        const [os = '', arch = '', variant] = platform.split('/')
        for (const image of regclientImages) {
          const work = await tempFolder('umoci')
          await mkdir(join(work, 'bundle'))
          const from = `oci:${folder}/dist/oci:example.com/regclient/${image}:v0.11.7`
          const which = ['--override-os', os, '--override-arch', arch]
          if (variant !== undefined) which.push('--override-variant', variant)
          await run('skopeo', [
            'copy',
            '--insecure-policy',
            ...which,
            from,
            `oci:${work}/one:latest`,
          ])
          // A runtime bundle exists for Linux alone; for Windows umoci unpacks the files.
          await (os === 'windows'
            ? run('umoci', [
                'raw',
                'unpack',
                '--image',
                `${work}/one:latest`,
                `${work}/bundle/rootfs`,
              ])
            : run('umoci', ['unpack', '--image', `${work}/one:latest`, `${work}/bundle`]))
          const file = os === 'windows' ? `Files/app/${image}.exe` : `app/${image}`
          const magic = (await readFile(join(work, 'bundle', 'rootfs', file)))
            .subarray(0, 4)
            .toString('latin1')
          expect(magic).toMatch(os === 'windows' ? /^MZ/ : /^\u007fELF/)
          await rm(work, { recursive: true })
        }
      })
    }
  })

  needs(
    'containerd',
    'amd64',
    'arm64',
  )('run in a real containerd', () => {
    it('ctr imports all platforms of the archive and runs amd64 and arm64', async () => {
      const containerd = await startContainerd()
      const name = 'example.com/regclient/regctl:v0.11.7'
      const archive = join(folder, 'dist', 'regctl.tar')
      expect(await containerd.ctr(['images', 'import', '--all-platforms', archive])).toMatchObject({
        exitCode: 0,
      })
      expect((await containerd.ctr(['images', 'ls'])).stdout).toContain(
        built.find(image => image.name === 'regctl')?.digest,
      )
      for (const platform of ['linux/amd64', 'linux/arm64']) {
        const outcome = await containerd.run(name, platform, ['/app/regctl', 'version'])
        expect(outcome.exitCode, outcome.stderr).toBe(0)
        expect(outcome.stdout).toMatch(/VCSTag: +v0\.11\.7/)
        expect(outcome.stdout).toMatch(new RegExp(`Platform: +${platform}`))
      }
      await containerd.stop()
    })
  })
})
