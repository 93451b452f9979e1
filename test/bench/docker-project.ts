/**
 * Loads the three images of a Go project into a Docker Engine, by orch and by docker load, and prints the
 * times. Arguments: the versions of the engine, `20.10` and `29`; both in turn without any. Exits with 1
 * when something fails, and never for being slow.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { regclientImages, regclientProject } from '../e2e/projects.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import type { DockerdVersion } from '../kit/dockerd-release.ts'
import { type Outcome, orch } from '../kit/exec.ts'
import { bench } from './parts/bench.ts'
import { Contest, expectSuccess, type Peer } from './parts/contest.ts'
import { emptyDocker, enginesOf } from './parts/empty-docker.ts'

const rounds = 7

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

  const dockerd = await startDockerd({ version })
  const loadAll = async (): Promise<Outcome> => {
    let last: Outcome | undefined
    for (const name of regclientImages) {
      last = await dockerd.load(join(folder, 'dist', `${name}.tar`))
      expectSuccess('docker load', last)
    }
    return last as Outcome
  }
  const loading: readonly Loader[] = [
    {
      name: 'orch copy',
      load: () => orch(['copy', `oci:${folder}/dist/oci`, `docker:,host=${dockerd.host}`]),
    },
    { name: 'docker load', load: loadAll },
  ]
  const building: readonly Loader[] = [
    { name: 'orch build -e docker', load: () => build('-e', `docker,host=${dockerd.host}`) },
    {
      name: 'orch build -e …-archive, docker load',
      async load() {
        expectSuccess('orch build', await build(...toArchives))
        return await loadAll()
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

async function expectLoaded(dockerd: Dockerd, { name }: Peer): Promise<void> {
  const found = await dockerd.images()
  const wanted = regclientImages.map(image => `example.com/regclient/${image}:v0.11.7`)
  if (found.join() !== wanted.join())
    throw new Error(`${name} said nothing, but loaded ${found.join(' ')}`)
}

await bench(main)
