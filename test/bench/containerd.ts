/**
 * Loads 400 MB for two platforms into a containerd, by orch and by its own ctr, and prints the times.
 * Arguments: the versions of containerd, `1.6` and `2`; both in turn without any. Exits with 1 when
 * something fails, and never for being slow.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { bigArchive } from '../kit/big-archive.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import {
  type ContainerdVersion,
  containerdVersions,
  whyNoContainerd,
} from '../kit/containerd-release.ts'
import { type Outcome, orch, run } from '../kit/exec.ts'
import { bench, peakOf } from './parts/bench.ts'
import { Contest, type Peer } from './parts/contest.ts'

const rounds = 5
const namespace = 'bench'
const image = 'docker.io/library/big:1'
/** An index, two manifests, two configs, four layers. */
const blobs = 9

interface Loader extends Peer {
  load(): Promise<Outcome>
}

async function main(args: readonly string[]): Promise<void> {
  const versions = containerdVersions.filter(one => args.length === 0 || args.includes(one))
  if (versions.length < args.length)
    throw new Error(`which containerd? Say one or both of: ${containerdVersions.join(' ')}`)
  for (const version of versions) {
    const reason = whyNoContainerd(version)
    if (reason !== undefined) throw new Error(reason)
  }
  console.log('Making an archive of 400 MB…')
  const archive = await bigArchive(image, 2, 100_000_000)
  for (const version of versions) await compare(version, archive)
}

/** Runs all loaders round by round, so that what else the machine does meets all alike. */
async function compare(version: ContainerdVersion, archive: string): Promise<void> {
  const containerd = await startContainerd({ version })
  const copy = copyArguments(containerd, archive)
  const ours: Loader = { name: 'orch copy', load: () => orch(copy) }
  const loaders = [ours, ...ctrLoaders(containerd, archive)]
  const contest = new Contest(['cold', 'warm'], loaders)
  for (let round = 1; round <= rounds; round++) {
    console.log(`containerd ${version}: round ${round} of ${rounds}…`)
    for (const loader of Contest.inTurn(round, loaders)) {
      await empty(containerd)
      await contest.time(loader, 'cold', loader.load)
      await expectLoaded(containerd, loader)
      await contest.time(loader, 'warm', loader.load)
      await expectLoaded(containerd, loader)
    }
  }
  await empty(containerd)
  const peak = await peakOf(copy)
  await containerd.stop()

  console.log(`\ncontainerd ${version}, ${containerd.snapshotter}; seconds of ${rounds} rounds`)
  console.log(contest.table())
  console.log(`Peak memory of orch: ${Math.round(peak / 1_000_000)} MB\n`)
}

function copyArguments({ address }: Containerd, archive: string): string[] {
  const destination = `containerd:${namespace}/${image},unpack=none,address=${address}`
  return ['copy', `oci-archive:${archive}`, destination]
}

/** From 2.x on ctr leaves the work to the daemon unless told otherwise. */
function ctrLoaders({ version, ctr }: Containerd, archive: string): Loader[] {
  return (version === '1.6' ? [[]] : [[], ['--local']]).map(more => ({
    name: ['ctr images import', ...more].join(' '),
    load: () =>
      ctr(['images', 'import', ...more, '--all-platforms', '--no-unpack', archive], { namespace }),
  }))
}

/** Removes image and content, and lets the disk come to rest. */
async function empty(containerd: Containerd): Promise<void> {
  const images = await containerd.images(namespace)
  if (images.length > 0) await containerd.ctr(['images', 'rm', ...images], { namespace })
  await containerd.collect()
  const left = await containerd.contents(namespace)
  if (left.length > 0) throw new Error(`${left.length} blobs are still there after a collection`)
  await run('sync', [])
  await sleep(1000)
}

async function expectLoaded(containerd: Containerd, { name }: Peer): Promise<void> {
  const images = await containerd.images(namespace)
  const contents = await containerd.contents(namespace)
  if (!images.includes(image) || contents.length < blobs)
    throw new Error(`${name} said nothing, but loaded ${contents.length} blobs of ${blobs}`)
}

await bench(main)
