/**
 * Loads 400 MB into a Docker Engine, by orch and by docker load, and prints the times. Arguments: the
 * versions of the engine, `20.10` and `29`; both in turn without any. Exits with 1 when something fails,
 * and never for being slow.
 */
import { rm } from 'node:fs/promises'
import { bigDockerArchive } from '../kit/big-archive.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import type { DockerdVersion } from '../kit/dockerd-release.ts'
import { type Outcome, orch } from '../kit/exec.ts'
import { bench, peakOf } from './parts/bench.ts'
import { Contest, type Peer } from './parts/contest.ts'
import { emptyDocker, enginesOf } from './parts/empty-docker.ts'

const rounds = 5
const image = 'example.com/big:1'
const bytes = 100_000_000

interface Loader extends Peer {
  load(): Promise<Outcome>
}

async function main(args: readonly string[]): Promise<void> {
  for (const version of enginesOf(args)) await compare(version)
}

/** Runs both loaders round by round, so that what else the machine does meets both alike. */
async function compare(version: DockerdVersion): Promise<void> {
  console.log('Making an archive of 400 MB…')
  const keepsIndexes = version === '29'
  const architectures = keepsIndexes ? ['amd64', 'arm64'] : ['amd64']
  const layers = 4 / architectures.length
  const archive = await bigDockerArchive(image, architectures, layers, bytes)
  const dockerd = await startDockerd({ version })
  const copy = ['copy', `oci-archive:${archive}`, `docker:${image},host=${dockerd.host}`]
  const ours: Loader = { name: 'orch copy', load: () => orch(copy) }
  const loaders = [ours, { name: 'docker load', load: () => dockerd.load(archive) }]
  const contest = new Contest(['cold', 'unchanged'], loaders)
  for (let round = 1; round <= rounds; round++) {
    console.log(`Docker ${version}: round ${round} of ${rounds}…`)
    for (const loader of Contest.inTurn(round, loaders)) {
      await emptyDocker(dockerd)
      for (const kind of ['cold', 'unchanged']) {
        await contest.time(loader, kind, loader.load)
        await expectLoaded(dockerd, loader, layers)
      }
    }
  }
  await emptyDocker(dockerd)
  const peak = await peakOf(copy)
  await dockerd.stop()
  await rm(archive)

  console.log(
    `\nDocker ${version}, linux/${architectures.join(', linux/')}; seconds of ${rounds} rounds`,
  )
  console.log(contest.table())
  console.log(`Peak memory of orch: ${Math.round(peak / 1_000_000)} MB\n`)
}

/** Whether all layers are there, and all platforms where the engine tells. */
async function expectLoaded(dockerd: Dockerd, { name }: Peer, layers: number): Promise<void> {
  const found = (await dockerd.get(`/images/${image}/json?manifests=1`)) as {
    RootFS: { Layers: unknown[] }
    Manifests?: { Available: boolean }[]
  }
  const { RootFS, Manifests = [] } = found
  if (RootFS.Layers.length === layers && Manifests.every(({ Available }) => Available)) return
  throw new Error(`${name} said nothing, but loaded ${JSON.stringify(found)}`)
}

await bench(main)
