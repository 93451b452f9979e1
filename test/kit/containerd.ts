import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { atEnd } from './cleanup.ts'
import {
  endShims,
  endTasks,
  removeShimSockets,
  removeTraces,
  unmountUnder,
} from './containerd-cleanup.ts'
import { type ContainerdVersion, containerdEnv, containerdProgram } from './containerd-release.ts'
import { end, exec, type Outcome, run, start } from './exec.ts'
import { untilReady } from './ready.ts'
import { tempFolder } from './temp.ts'

/** A containerd of one's own, with nothing in it. The lists are of `namespace` unless told otherwise. */
export interface Containerd {
  readonly version: ContainerdVersion
  /** The path of its socket. */
  readonly address: string
  /** The namespace `ctr` uses unless told otherwise; like no other, as runc keeps its state by it. */
  readonly namespace: string
  readonly snapshotter: 'overlayfs' | 'native'
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  /** Runs the ctr of its version. A bad exit code is an answer, not an error. */
  ctr(args: readonly string[], options?: { namespace?: string }): Promise<Outcome>
  /** Runs an image with `ctr run --rm`, in the network of the host, and waits for its end. */
  run(reference: string, platform: string, args?: readonly string[]): Promise<Outcome>
  /** Writes an archive of images with `ctr images export`. A bad exit code is an answer, not an error. */
  export(file: string, references: readonly string[], options: readonly string[]): Promise<Outcome>
  /** The names of its images. */
  images(namespace?: string): Promise<string[]>
  /** The digests of its blobs. */
  contents(namespace?: string): Promise<string[]>
  /** The refs of writes that were begun and neither committed nor aborted. */
  ingests(namespace?: string): Promise<string[]>
  /** The IDs of its leases. */
  leases(namespace?: string): Promise<string[]>
  /** The keys of its snapshots, in the snapshotter above. */
  snapshots(namespace?: string): Promise<string[]>
  /** Collects garbage, in all namespaces, and waits for the end of it. */
  collect(): Promise<void>
  /** Ends it at once (SIGKILL), as a crash does; what it runs goes on. Waits for its end. */
  kill(): Promise<void>
  /** Ends it (SIGTERM) unless it has ended, starts it again on the same data, and waits until it answers. */
  restart(): Promise<void>
  /** Ends it, what it runs and what it mounted. Happens by itself at the end of the test file. */
  stop(): Promise<void>
}

interface ContainerdOptions {
  /** 1.6 unless told otherwise. */
  readonly version?: ContainerdVersion
  /** Where its data goes, for example a small disk; a temporary folder unless told otherwise. */
  readonly root?: string
}

/** What it does not need, and what writes outside its own folders. */
const disabled = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.internal.v1.opt',
  'io.containerd.nri.v1.nri',
  'io.containerd.podsandbox.controller.v1.podsandbox',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.erofs',
  'io.containerd.snapshotter.v1.zfs',
]

/** Starts a containerd on a private socket. Needs root. */
export async function startContainerd(options: ContainerdOptions = {}): Promise<Containerd> {
  const { version = '1.6' } = options
  const folder = await tempFolder('containerd')
  const root = options.root ?? join(folder, 'root')
  const state = join(folder, 'state')
  const address = join(folder, 'containerd.sock')
  const namespace = `orch-test-${randomBytes(4).toString('hex')}`
  const config = join(folder, 'config.toml')
  await mkdir(root, { recursive: true })
  await writeFile(config, configText(root, state, address))

  const program = containerdProgram(version, 'ctr')
  const launch = () =>
    start(containerdProgram(version, 'containerd'), ['-c', config], { env: containerdEnv(version) })
  const ready = () =>
    untilReady('containerd', daemon, async () => {
      const question = ['--timeout', '10s', '--address', address, 'version']
      const { exitCode } = await exec(program, question)
      return exitCode === 0
    })
  let daemon = launch()
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopAll())
  atEnd(stop)

  async function stopAll(): Promise<void> {
    await endTasks(program, address)
    await end(daemon)
    endShims(address)
    await removeShimSockets(state)
    await unmountUnder(folder)
    await unmountUnder(root)
    await removeTraces(namespace)
  }

  await ready()
  const plugins = await run(program, ['--address', address, 'plugins', 'ls'])
  const snapshotter = /\soverlayfs\s.*\sok\s*$/m.test(plugins) ? 'overlayfs' : 'native'
  const command = (args: readonly string[], within = namespace) =>
    [program, ['--address', address, '--namespace', within, ...args]] as const
  const settings = {
    env: { CONTAINERD_SNAPSHOTTER: snapshotter, CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS: '1' },
  }
  const ctr: Containerd['ctr'] = (args, { namespace: within } = {}) =>
    exec(...command(args, within), settings)
  const ask = async (args: readonly string[], within?: string) =>
    (await run(...command(args, within), settings)).split('\n').filter(line => line !== '')
  /** The first column of a table, without its heading. */
  const column = async (args: readonly string[], within?: string) =>
    (await ask(args, within)).slice(1).map(line => line.split(/\s/)[0] ?? '')

  let runs = 0
  return {
    version,
    address,
    namespace,
    snapshotter,
    get pid() {
      return daemon.pid
    },
    ctr,
    run(reference, platform, args = []) {
      const options = ['--rm', '--net-host', '--platform', platform]
      return ctr(['run', ...options, reference, `run${++runs}`, ...args])
    },
    export(file, references, options) {
      // Without --local the ctr of containerd 2 now and then ends before it has written everything, and says nothing.
      const local = version === '1.6' ? [] : ['--local']
      return ctr(['images', 'export', ...local, ...options, file, ...references])
    },
    images: within => ask(['images', 'ls', '-q'], within),
    contents: within => ask(['content', 'ls', '-q'], within),
    ingests: within => column(['content', 'active'], within),
    leases: within => ask(['leases', 'ls', '-q'], within),
    snapshots: within => column(['snapshots', '--snapshotter', snapshotter, 'ls'], within),
    async collect() {
      // `content prune references` waits too, but takes every image's hold on its layers away first.
      const [lease = ''] = await ask(['leases', 'create'])
      await ask(['leases', 'delete', '--sync', lease])
    },
    async kill() {
      daemon.kill('SIGKILL')
      await daemon.done
    },
    async restart() {
      await end(daemon)
      daemon = launch()
      await ready()
    },
    stop,
  }
}

/** The form of version 2 is read by 1.6 and by 2.x. */
function configText(root: string, state: string, address: string): string {
  return [
    'version = 2',
    `root = ${JSON.stringify(root)}`,
    `state = ${JSON.stringify(state)}`,
    `disabled_plugins = ${JSON.stringify(disabled)}`,
    '[grpc]',
    `address = ${JSON.stringify(address)}`,
    '[ttrpc]',
    `address = ${JSON.stringify(`${address}.ttrpc`)}`,
    '',
  ].join('\n')
}
