/**
 * Loads the three images of a Go project into a Docker Engine, by orch and by docker load, and prints the
 * times. Arguments: the versions of the engine, `20.10` and `29`; both in turn without any. Exits with 1
 * when something fails, and never for being slow.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { regclientImages, regclientProject } from '../e2e/projects.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import type { DockerdVersion } from '../kit/dockerd-release.ts'
import { type Outcome, orch, run } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'
import { bench } from './parts/bench.ts'
import { Contest, expectSuccess, type Peer } from './parts/contest.ts'
import { emptyDocker, enginesOf } from './parts/empty-docker.ts'

const rounds = 7
const nothing: Outcome = { exitCode: 0, stdout: '', stderr: '' }

interface Loader extends Peer {
  load(): Promise<Outcome>
}

async function main(args: readonly string[]): Promise<void> {
  for (const version of enginesOf(args)) await compare(version)
}

async function compare(version: DockerdVersion): Promise<void> {
  console.log('Building the images of the project…')
  const keepsIndexes = version === '29'
  const platforms = keepsIndexes ? 'linux/amd64,linux/arm64' : 'linux/amd64'
  const format = keepsIndexes ? 'oci-archive' : 'docker-archive'
  const folder = await regclientProject()
  const build = (...exports: readonly string[]): Promise<Outcome> =>
    orch(['-C', folder, 'build', '--platform', platforms, ...exports])
  const toArchives = ['-e', `${format},dest=dist/{name}.tar`]
  expectSuccess('orch build', await build(...toArchives, '-e', 'layout,dest=dist/oci'))

  const archives = regclientImages.map(name => join(folder, 'dist', `${name}.tar`))
  const together = join(folder, 'dist', 'together.tar')
  await joinArchives(archives, together)

  const dockerd = await startDockerd({ version })
  const docker = (files: readonly string[]): Promise<Outcome> =>
    files.reduce<Promise<Outcome>>(async (before, file) => {
      expectSuccess('docker load', await before)
      return dockerd.load(file)
    }, Promise.resolve(nothing))
  const loading: readonly Loader[] = [
    {
      name: 'orch copy',
      load: () => orch(['copy', `oci:${folder}/dist/oci`, `docker:,host=${dockerd.host}`]),
    },
    { name: 'docker load, one by one', load: () => docker(archives) },
    { name: 'docker load, one archive', load: () => docker([together]) },
    {
      name: 'docker load, side by side',
      async load() {
        const all = await Promise.all(archives.map(file => dockerd.load(file)))
        return all.find(({ exitCode }) => exitCode !== 0) ?? nothing
      },
    },
  ]
  const building: readonly Loader[] = [
    { name: 'orch build -e docker', load: () => build('-e', `docker,host=${dockerd.host}`) },
    {
      name: 'orch build to archives, docker load',
      async load() {
        expectSuccess('orch build', await build(...toArchives))
        return await docker(archives)
      },
    },
  ]
  const contests = [loading, building].map(loaders => ({
    loaders,
    contest: new Contest(['cold', 'unchanged'], loaders),
  }))
  for (let round = 1; round <= rounds; round++) {
    console.log(`Docker ${version}: round ${round} of ${rounds}…`)
    for (const { loaders, contest } of contests) {
      for (const loader of Contest.inTurn(round, loaders)) {
        await emptyDocker(dockerd)
        for (const kind of ['cold', 'unchanged']) {
          await contest.time(loader, kind, loader.load)
          await expectLoaded(dockerd, loader)
        }
      }
    }
  }
  await dockerd.stop()
  await rm(folder, { recursive: true })
  console.log(`\nDocker ${version}, three images for ${platforms}; seconds of ${rounds} rounds`)
  for (const { contest } of contests) console.log(`${contest.table()}\n`)
}

/** Whether all images are there, with all platforms where the engine tells. */
async function expectLoaded(dockerd: Dockerd, { name }: Peer): Promise<void> {
  for (const image of regclientImages) {
    const reference = `example.com/regclient/${image}:v0.11.7`
    const found = (await dockerd.get(`/images/${reference}/json?manifests=1`)) as {
      RootFS: { Layers: unknown[] }
      Manifests?: { Available: boolean }[]
    }
    const { RootFS, Manifests = [] } = found
    if (RootFS.Layers.length === 2 && Manifests.every(({ Available }) => Available)) continue
    throw new Error(`${name} said nothing, but loaded ${JSON.stringify(found)}`)
  }
}

/** Makes one archive of several, each layer in it once. */
async function joinArchives(archives: readonly string[], joined: string): Promise<void> {
  const content = await tempFolder('joined')
  const lists: { [name: string]: unknown[] } = { 'index.json': [], 'manifest.json': [] }
  for (const archive of archives) {
    await run('tar', ['-xf', archive, '-C', content])
    for (const [name, list] of Object.entries(lists)) {
      const parsed = JSON.parse(await readFile(join(content, name), 'utf8').catch(() => '[]'))
      list.push(...(Array.isArray(parsed) ? parsed : parsed.manifests))
    }
  }
  const { 'index.json': manifests = [], 'manifest.json': docker = [] } = lists
  const index = { schemaVersion: 2, manifests }
  await writeFile(join(content, 'index.json'), JSON.stringify(index))
  if (docker.length > 0) await writeFile(join(content, 'manifest.json'), JSON.stringify(docker))
  await run('tar', ['-cf', joined, '-C', content, '.'])
}

await bench(main)
