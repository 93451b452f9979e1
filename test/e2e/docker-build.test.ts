import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { type Outcome, orch, run } from '../kit/exec.ts'
import { eachDockerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { type Exported, exportsIn, exportsOf } from './docker-exports.ts'
import { regclientImages, regclientProject } from './projects.ts'

const platforms = ['linux/amd64', 'linux/arm64']
const nothing = { blobs: 0, bytes: 0 }

/** What the engine says of an image; the manifests are told with containerd's image store alone. */
interface Inspected {
  readonly Id: string
  readonly Architecture: string
  readonly RepoTags: readonly string[]
  readonly Manifests?: readonly {
    readonly Available: boolean
    readonly ImageData?: { readonly Platform: { readonly architecture: string } }
  }[]
}

eachDockerd(
  'regclient',
  'amd64',
  'arm64',
)('orch build --export docker', version => {
  const keepsIndexes = version === '29'
  let dockerd: Dockerd
  let folder = ''
  let images: readonly Exported[] = []
  beforeAll(async () => {
    dockerd = await startDockerd({ version })
    folder = await regclientProject()
    images = exportsOf(await build())
  }, 900_000)

  const build = (...more: readonly string[]): Promise<Outcome> => {
    const two = ['--platform', platforms.join(), '--export', 'docker,platforms=all']
    const env = { DOCKER_HOST: dockerd.host }
    return orch(['-C', folder, 'build', '--json', ...two, ...more], { env })
  }
  const removeAll = async (): Promise<void> => {
    const all = (await dockerd.docker(['images', '--all', '--quiet', '--no-trunc'])).stdout
    const removed = await dockerd.docker(['rmi', '--force', ...new Set(all.trim().split('\n'))])
    expect(removed.exitCode, removed.stderr).toBe(0)
    expect(await dockerd.images()).toEqual([])
  }
  const inspect = async (name: string): Promise<Inspected> =>
    (await dockerd.get(`/images/${name}/json?manifests=1`)) as Inspected
  const nameOf = (image: string): string => `example.com/regclient/${image}:v0.11.7`
  /** The name of the image for arm64. */
  const armOf = (image: string): string =>
    keepsIndexes ? nameOf(image) : `${nameOf(image)}-linux-arm64`

  it('loads all images side by side, and says what is there now', () => {
    expect(images.map(({ image }) => image).sort()).toEqual(regclientImages)
    for (const { image, digest, location, details } of images) {
      expect(location).toBe(nameOf(image))
      expect(details).toMatchObject({
        store: keepsIndexes ? 'containerd' : 'graph-driver',
        platforms,
      })
      const names = keepsIndexes ? [[nameOf(image)]] : [[nameOf(image)], [armOf(image)]]
      expect(details.images.map(item => item.names)).toEqual(names)
      expect(details.images[0]?.id === digest).toBe(keepsIndexes)
      expect(details.sent.bytes).toBeGreaterThan(1_000_000)
    }
  })

  it('sends the layer that all have in common once', async () => {
    // An index and two manifests, where the engine keeps them; two configs, and two layers.
    const own = keepsIndexes ? 7 : 4
    const blobsOf = (all: readonly Exported[]): readonly number[] =>
      all.map(({ details }) => details.sent.blobs).sort()
    let blobs = blobsOf(images)
    // One brings it too that looked at the engine before another had loaded it, and began after that. Now
    // all are compiled and begin together.
    for (let more = 0; more < 3 && blobs.join() !== [own, own, own + 1].join(); more++) {
      for (const count of blobs) expect([own, own + 1]).toContain(count)
      await removeAll()
      blobs = blobsOf(exportsOf(await build()))
    }
    expect(blobs).toEqual([own, own, own + 1])
  })

  it('leaves images that the engine shows with the ID, the platforms and the names said', async () => {
    for (const { image, details } of images) {
      for (const [at, { id, names }] of details.images.entries()) {
        const found = await inspect(id)
        expect(found).toMatchObject({ Id: id, RepoTags: names })
        expect(found.Architecture).toBe(at === 0 ? 'amd64' : 'arm64')
      }
      const { Manifests = [] } = await inspect(nameOf(image))
      const whole = Manifests.filter(({ Available, ImageData }) => Available && ImageData)
      expect(whole.map(({ ImageData }) => ImageData?.Platform.architecture)).toEqual(
        keepsIndexes ? ['amd64', 'arm64'] : [],
      )
    }
  })

  it.each(['amd64', 'arm64'])('runs on %s', async architecture => {
    const name = architecture === 'amd64' ? nameOf('regctl') : armOf('regctl')
    const ran = await dockerd.run(name, `linux/${architecture}`, ['version'])
    expect(ran.exitCode, ran.stderr).toBe(0)
    expect(ran.stdout).toMatch(new RegExp(`Platform: +linux/${architecture}`))
  })

  it('sends nothing when nothing has changed, under another name either', async () => {
    for (const { details } of exportsOf(await build())) expect(details.sent).toEqual(nothing)
    const [named] = exportsOf(await build('--tag', 'again:1', 'regctl'))
    expect(named).toMatchObject({ location: 'again:1', details: { sent: nothing } })
    const ran = await dockerd.run('again:1', undefined, ['version'])
    expect(ran.exitCode, ran.stderr).toBe(0)
  })

  /** Builds with another orch.yaml, which Go does not stamp into the programs. Gives what was sent. */
  const change = async (
    from: string,
    to: string,
  ): Promise<Record<string, Exported['details']['sent']>> => {
    const file = join(folder, 'orch.yaml')
    await run('git', ['-C', folder, 'update-index', '--assume-unchanged', 'orch.yaml'])
    const text = await readFile(file, 'utf8')
    expect(text).toContain(from)
    await writeFile(file, text.replace(from, to))
    const changed = exportsOf(await build())
    expect((await dockerd.run(nameOf('regctl'), undefined, ['version'])).exitCode).toBe(0)
    return Object.fromEntries(changed.map(({ image, details }) => [image, details.sent]))
  }

  it('sends only what is new when one image has changed', async () => {
    const others = { regbot: nothing, regsync: nothing }
    const named = await change('  regctl:\n', '  regctl:\n    user: "1:1"\n')
    // Configs; and their manifests, and the index.
    expect(named).toMatchObject({ ...others, regctl: { blobs: keepsIndexes ? 5 : 2 } })
    expect(named['regctl']?.bytes).toBeLessThan(10_000)

    await mkdir(join(folder, 'dist'), { recursive: true })
    await writeFile(join(folder, 'dist/note.txt'), 'one file more\n')
    const files = 'files: [{from: dist/note.txt, to: /note.txt}]'
    const more = await change('  regctl:\n', `  regctl:\n    ${files}\n`)
    // The file lies below the programs, which a graph driver looks for by all that is below them.
    expect(more).toMatchObject({ ...others, regctl: { blobs: keepsIndexes ? 6 : 5 } })
    if (keepsIndexes) expect(more['regctl']?.bytes).toBeLessThan(10_000)
  })

  it('sends all that was removed again', async () => {
    await removeAll()
    for (const { details } of exportsOf(await build()))
      expect(details.sent.bytes).toBeGreaterThan(1_000_000)
    expect((await dockerd.run(nameOf('regctl'), undefined, ['version'])).exitCode).toBe(0)
  })
})

eachDockerd()('several images in one docker engine', version => {
  let dockerd: Dockerd
  let folder = ''
  beforeAll(async () => {
    dockerd = await startDockerd({ version })
    folder = await tempFolder('several')
    await writeFile(join(folder, 'go.mod'), 'module example.com/tiny\n\ngo 1.24\n')
    await writeFile(join(folder, 'main.go'), 'package main\n\nfunc main() { println("tiny") }\n')
  })

  const build = async (images: readonly string[], options = ''): Promise<Outcome> => {
    const lines = images.map(line => `  ${line}`)
    const yaml = ['platforms: [linux/amd64]', 'images:', ...lines, '']
    await writeFile(join(folder, 'orch.yaml'), yaml.join('\n'))
    const how = ['--json', '--export', `docker,platforms=native${options}`]
    return orch(['-C', folder, 'build', ...how], { env: { DOCKER_HOST: dockerd.host } })
  }
  const image = (name: string, more = '', build = '.'): string =>
    `${name}: {build: {go: ${build}}, base: scratch, tags: ["${name}:1"]${more}}`

  it('are there, whatever becomes of the others', async () => {
    const none = image('none', '', './cmd/none')
    const foreign = image('foreign', ', platforms: [linux/s390x]')
    const outcome = await build([image('one'), none, foreign, image('two')])
    expect(outcome.exitCode).toBe(2)
    expect(outcome.stderr).toMatch(/error\[PLATFORM_MISSING\].*foreign.*linux\/s390x/)
    expect(outcome.stderr).toContain('cmd/none')
    expect(exportsIn(outcome).map(({ location }) => location)).toEqual(['one:1', 'two:1'])
    expect(await dockerd.images()).toEqual(['one:1', 'two:1'])
  })

  it('do not want the same name, and have none with a digest', async () => {
    const before = await dockerd.images()
    const none = image('none', '', './cmd/none')
    const taken = await build([image('mine'), none], ',names=mine:1')
    expect(taken.exitCode).toBe(2)
    expect(taken.stderr).toMatch(/error\[NAME_TAKEN\].*mine:1/)
    expect(taken.stderr).not.toContain('cmd/none') // Nothing was built.
    const pinned = await build([image('mine')], `,names=mine@sha256:${'a'.repeat(64)}`)
    expect(pinned.exitCode).toBe(2)
    expect(pinned.stderr).toMatch(/error\[DOCKER_NAME\].*mine@sha256/)
    expect(await dockerd.images()).toEqual(before)
  })
})
