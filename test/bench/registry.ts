/**
 * Pushes and pulls 400 MB for two platforms by orch, crane and skopeo, and prints the times. Arguments:
 * the versions of distribution, `2.8` and `3`; both in turn without any. Exits with 1 when something
 * fails, and never for being slow.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bigArchive } from '../kit/big-archive.ts'
import { exec, type Outcome, orch, run } from '../kit/exec.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { type RegistryVersion, registryVersions, whyNoRegistry } from '../kit/registry-release.ts'
import { tempFolder } from '../kit/temp.ts'
import { toolProgram, whyNotInstalled } from '../kit/tools.ts'
import { which } from '../kit/which.ts'
import { bench, peakOf } from './parts/bench.ts'
import { Contest, type Peer } from './parts/contest.ts'

const rounds = 5

/** Where the images are. */
interface Places {
  readonly registry: Registry
  readonly image: string
  /** The layout that is pushed. */
  readonly layout: string
  /** The layout that is pulled into: not there before. */
  readonly pulled: string
}

interface Client extends Peer {
  push(places: Places): Promise<Outcome>
  pull(places: Places): Promise<Outcome>
}

const pushArguments = ({ layout, image }: Places): string[] => [
  'copy',
  `oci:${layout}`,
  `docker://${image}`,
]
const pullArguments = ({ image, pulled }: Places): string[] => [
  'copy',
  `docker://${image}`,
  `oci:${pulled}`,
]

const clients: readonly Client[] = [
  {
    name: 'orch copy',
    push: places => orch(pushArguments(places)),
    pull: places => orch(pullArguments(places)),
  },
  {
    name: 'crane',
    push: ({ registry: { env }, image, layout }) =>
      exec(toolProgram('crane'), ['push', '--index', layout, image], { env }),
    pull: ({ registry: { env }, image, pulled }) =>
      exec(toolProgram('crane'), ['pull', '--format=oci', image, pulled], { env }),
  },
  {
    // Without --preserve-digests it compresses what it pushes, and that is another image.
    name: 'skopeo copy',
    push: ({ registry: { env }, image, layout }) => {
      const args = ['copy', '--all', '--preserve-digests', '--dest-tls-verify=false']
      return exec('skopeo', [...args, `oci:${layout}`, `docker://${image}`], { env })
    },
    pull: ({ registry: { env }, image, pulled }) => {
      const args = ['copy', '--all', '--preserve-digests', '--src-tls-verify=false']
      return exec('skopeo', [...args, `docker://${image}`, `oci:${pulled}`], { env })
    },
  },
]

async function main(args: readonly string[]): Promise<void> {
  const versions = registryVersions.filter(one => args.length === 0 || args.includes(one))
  if (versions.length < args.length)
    throw new Error(`which distribution? Say one or both of: ${registryVersions.join(' ')}`)
  const skopeo = which('skopeo') === undefined ? 'skopeo is not installed' : undefined
  const reason = [...versions.map(whyNoRegistry), whyNotInstalled('crane'), skopeo].find(
    why => why !== undefined,
  )
  if (reason !== undefined) throw new Error(reason)
  console.log('Making a layout of 400 MB…')
  const archive = await bigArchive('docker.io/library/big:1', 2, 100_000_000)
  const layout = await tempFolder('layout')
  await run('tar', ['-xf', archive, '-C', layout])
  await rm(archive)
  for (const version of versions) await compare(version, layout)
}

/** Runs all clients round by round, so that what else the machine does meets all alike. */
async function compare(version: RegistryVersion, layout: string): Promise<void> {
  const registry = await startRegistry({ version })
  const pulled = join(await tempFolder('pulled'), 'layout')
  const places: Places = { registry, image: `${registry.host}/team/big:1`, layout, pulled }
  const contest = new Contest(['push', 'pull'], clients)
  for (let round = 1; round <= rounds; round++) {
    console.log(`distribution ${version}: round ${round} of ${rounds}…`)
    for (const client of Contest.inTurn(round, clients)) {
      await empty(places)
      await contest.time(client, 'push', () => client.push(places))
      await expectBlobs(layout, join(registry.root, 'docker/registry/v2/blobs/sha256'), client)
      await rest()
      await contest.time(client, 'pull', () => client.pull(places))
      await expectBlobs(layout, join(pulled, 'blobs/sha256'), client)
    }
  }
  await empty(places)
  const peaks = [await peakOf(pushArguments(places)), await peakOf(pullArguments(places))]
  await empty(places)
  await registry.stop()

  console.log(`\ndistribution ${version}; seconds of ${rounds} rounds`)
  console.log(contest.table())
  const [push, pull] = peaks.map(peak => Math.round(peak / 1_000_000))
  console.log(`Peak memory of orch: ${push} MB pushing, ${pull} MB pulling\n`)
}

/** Removes what the registry has, which it remembers nowhere else, and what was pulled. */
async function empty({ registry, pulled }: Places): Promise<void> {
  await rm(registry.root, { recursive: true })
  await mkdir(registry.root)
  await rm(pulled, { recursive: true, force: true })
  await rest()
}

/** Lets the disk come to rest. */
async function rest(): Promise<void> {
  await run('sync', [])
  await sleep(1000)
}

/** Whether all that the index names is in a folder of blobs, which a registry has in folders of two digits. */
async function expectBlobs(layout: string, blobs: string, { name }: Peer): Promise<void> {
  const wanted = await readdir(join(layout, 'blobs/sha256'))
  const found = (await readdir(blobs, { recursive: true })).map(path => path.split('/').at(-1))
  const lacking = wanted.filter(blob => !found.includes(blob))
  if (lacking.length > 0) throw new Error(`${name} said nothing, but ${lacking} is not there`)
}

await bench(main)
