/**
 * Loads 400 MB for two platforms into a containerd, by orch and by its own ctr, and prints the times.
 * Arguments: the versions of containerd, `1.6` and `2`; both in turn without any. Exits with 1 when
 * something fails, and never for being slow.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanUp } from '../kit/cleanup.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import {
  type ContainerdVersion,
  containerdVersions,
  whyNoContainerd,
} from '../kit/containerd-release.ts'
import { type Outcome, orch, run, startOrch } from '../kit/exec.ts'
import { watchMemory } from '../kit/ps.ts'
import { bigArchive } from './parts/big-archive.ts'
import { median, table } from './parts/table.ts'

const rounds = 5
const namespace = 'bench'
const image = 'docker.io/library/big:1'
/** An index, two manifests, two configs, four layers. */
const blobs = 9

interface Peer {
  readonly name: string
  load(): Promise<Outcome>
}

/** Seconds of each round; what is loaded is not there before a cold one, and is before a warm one. */
interface Times {
  readonly cold: number[]
  readonly warm: number[]
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

/** Runs all peers round by round, so that what else the machine does meets all alike. */
async function compare(version: ContainerdVersion, archive: string): Promise<void> {
  const containerd = await startContainerd({ version })
  const copy = copyArguments(containerd, archive)
  const ours: Peer = { name: 'orch copy', load: () => orch(copy) }
  const peers = [ours, ...ctrPeers(containerd, archive)]
  const times = new Map<string, Times>(peers.map(({ name }) => [name, { cold: [], warm: [] }]))
  for (let round = 1; round <= rounds; round++) {
    console.log(`containerd ${version}: round ${round} of ${rounds}…`)
    // Nobody is always the first.
    for (const peer of round % 2 === 1 ? peers : peers.toReversed()) {
      await empty(containerd)
      times.get(peer.name)?.cold.push(await timed(peer))
      await expectLoaded(containerd, peer)
      times.get(peer.name)?.warm.push(await timed(peer))
      await expectLoaded(containerd, peer)
    }
  }
  // Being watched costs time, so it is done in a run of its own.
  await empty(containerd)
  const process = await startOrch(copy)
  const memory = watchMemory(process.pid)
  const outcome = await process.done
  const peak = memory.stop().own
  expectSuccess(ours, outcome)
  await containerd.stop()

  console.log(`\ncontainerd ${version}, ${containerd.snapshotter}; seconds of ${rounds} rounds`)
  console.log(table([heading, ...peers.flatMap(peer => rowsOf(peer, times, times.get(ours.name)))]))
  console.log(`Peak memory of orch: ${Math.round(peak / 1_000_000)} MB\n`)
}

function copyArguments({ address }: Containerd, archive: string): string[] {
  const destination = `containerd:${namespace}/${image},unpack=none,address=${address}`
  return ['copy', `oci-archive:${archive}`, destination]
}

/** From 2.x on ctr leaves the work to the daemon unless told otherwise. */
function ctrPeers({ version, ctr }: Containerd, archive: string): Peer[] {
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

async function timed(peer: Peer): Promise<number> {
  const began = performance.now()
  const outcome = await peer.load()
  const seconds = (performance.now() - began) / 1000
  expectSuccess(peer, outcome)
  return seconds
}

function expectSuccess({ name }: Peer, { exitCode, stdout, stderr }: Outcome): void {
  if (exitCode !== 0) throw new Error(`${name}: exit code ${exitCode}\n${stdout}${stderr}`)
}

async function expectLoaded(containerd: Containerd, { name }: Peer): Promise<void> {
  const images = await containerd.images(namespace)
  const contents = await containerd.contents(namespace)
  if (!images.includes(image) || contents.length < blobs)
    throw new Error(`${name} said nothing, but loaded ${contents.length} blobs of ${blobs}`)
}

const heading = ['', 'min', 'median', 'max', 'orch : this']

/** The ratio is the median of the rounds' own ratios. */
function rowsOf(peer: Peer, times: ReadonlyMap<string, Times>, ours: Times | undefined) {
  return (['cold', 'warm'] as const).map(kind => {
    const all = times.get(peer.name)?.[kind] ?? []
    const ratios = all.map((seconds, round) => (ours?.[kind][round] ?? Number.NaN) / seconds)
    return [
      `${peer.name}, ${kind}`,
      ...[Math.min(...all), median(all), Math.max(...all)].map(value => value.toFixed(2)),
      times.get(peer.name) === ours ? '' : median(ratios).toFixed(2),
    ]
  })
}

let isInterrupted = false
// Not `once`: what starts programs ends this one at once when nobody listens any more.
process.on('SIGINT', () => {
  isInterrupted = true
  void cleanUp().finally(() => process.exit(130))
})
try {
  await main(process.argv.slice(2))
} catch (error) {
  // What was interrupted fails, and has no more to say.
  if (!isInterrupted) console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await cleanUp()
}
