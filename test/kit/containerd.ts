import { randomBytes } from 'node:crypto'
import { glob, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd } from './cleanup.ts'
import { exec, type Outcome, type Running, run, start } from './exec.ts'
import { processesWith, processTree } from './ps.ts'
import { tempFolder } from './temp.ts'

/** A containerd of one's own, with nothing in it. */
export interface Containerd {
  /** The path of its socket. */
  readonly address: string
  /** The namespace `ctr` uses unless told otherwise; like no other, as runc keeps its state by it. */
  readonly namespace: string
  readonly snapshotter: 'overlayfs' | 'native'
  readonly pid: number
  ctr(args: readonly string[], options?: { namespace?: string }): Promise<Outcome>
  /** Runs an image with `ctr run --rm`, in the network of the host, and waits for its end. */
  run(reference: string, platform: string, args?: readonly string[]): Promise<Outcome>
  /** Ends it, what it runs and what it mounted. Happens by itself at the end of the test file. */
  stop(): Promise<void>
}

/** What it does not need, and what writes outside its own folders. */
const disabled = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.internal.v1.opt',
  'io.containerd.nri.v1.nri',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
]

/** Starts a containerd on a private socket, with its data in a temporary folder. Needs root. */
export async function startContainerd(): Promise<Containerd> {
  const folder = await tempFolder('containerd')
  const address = join(folder, 'containerd.sock')
  const namespace = `orch-test-${randomBytes(4).toString('hex')}`
  const config = join(folder, 'config.toml')
  await writeFile(config, configText(folder, address))

  const daemon = start('containerd', ['-c', config])
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopAll(daemon, folder, address, namespace))
  atEnd(stop)

  const plain = ['--address', address]
  await untilReady(daemon, plain)
  const plugins = await run('ctr', [...plain, 'plugins', 'ls'])
  const snapshotter = /\soverlayfs\s.*\sok\s*$/m.test(plugins) ? 'overlayfs' : 'native'

  let runs = 0
  const ctr: Containerd['ctr'] = (args, options = {}) =>
    exec('ctr', [...plain, '--namespace', options.namespace ?? namespace, ...args], {
      env: { CONTAINERD_SNAPSHOTTER: snapshotter },
    })
  return {
    address,
    namespace,
    snapshotter,
    pid: daemon.pid,
    ctr,
    run: (reference, platform, args = []) =>
      ctr([
        'run',
        '--rm',
        '--net-host',
        '--platform',
        platform,
        reference,
        `run${++runs}`,
        ...args,
      ]),
    stop,
  }
}

function configText(folder: string, address: string): string {
  return [
    'version = 2',
    `root = ${JSON.stringify(join(folder, 'root'))}`,
    `state = ${JSON.stringify(join(folder, 'state'))}`,
    `disabled_plugins = ${JSON.stringify(disabled)}`,
    '[grpc]',
    `address = ${JSON.stringify(address)}`,
    '[ttrpc]',
    `address = ${JSON.stringify(`${address}.ttrpc`)}`,
    '',
  ].join('\n')
}

async function untilReady(daemon: Running, ctr: readonly string[]): Promise<void> {
  const ended = daemon.done.then(({ exitCode, stderr }) => {
    throw new Error(`containerd ended with exit code ${exitCode}:\n${stderr}`)
  })
  // Once it is up, its end is no error any more.
  ended.catch(() => {})
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await Promise.race([exec('ctr', [...ctr, 'version']), ended])
    if (answer.exitCode === 0) return
    await sleep(100)
  }
  throw new Error('containerd does not answer')
}

async function stopAll(
  daemon: Running,
  folder: string,
  address: string,
  namespace: string,
): Promise<void> {
  await endTasks(address)
  daemon.kill('SIGTERM')
  if ((await Promise.race([daemon.done, sleep(5_000)])) === undefined) daemon.kill('SIGKILL')
  await daemon.done
  endShims(address)
  await removeShimSockets(join(folder, 'state'))
  await unmountUnder(folder)
  await removeTraces(namespace)
}

/** Ends what still runs the proper way, so that its shims remove their sockets. */
async function endTasks(address: string): Promise<void> {
  const list = async (args: readonly string[]) =>
    // A containerd that is gone has no tasks to end; its shims are ended after this.
    (await exec('ctr', ['--timeout', '10s', '--address', address, ...args])).stdout
      .split('\n')
      .filter(line => line !== '')
  for (const namespace of await list(['namespaces', 'ls', '-q']))
    for (const task of await list(['--namespace', namespace, 'tasks', 'ls', '-q']))
      await list(['--namespace', namespace, 'tasks', 'rm', '--force', task])
}

/** Shims outlive their containerd by design. Ours are known by the address in their arguments. */
function endShims(address: string): void {
  const shims = processesWith(
    args => args[0]?.includes('containerd-shim') === true && args.includes(address),
  )
  // The shim first, as it would see its container end and call containerd about it.
  for (const pid of shims.flatMap(shim => processTree(shim))) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (!hasCode(error, 'ESRCH')) throw error
    }
  }
}

/** A shim that was killed leaves its socket outside our folders; the state says where. */
async function removeShimSockets(state: string): Promise<void> {
  for await (const file of glob(join(state, 'io.containerd.runtime.v2.task/*/*/address'))) {
    const socket = (await readFile(file, 'utf8')).trim().replace('unix://', '')
    await rm(socket, { force: true })
  }
}

async function unmountUnder(folder: string): Promise<void> {
  const points = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(point => point.startsWith(`${folder}/`))
  // The last mounted first; lazily, as a process just killed may still be leaving.
  for (const point of points.reverse()) await run('umount', ['-l', point])
}

/** What runc leaves behind per namespace: its folder of state, and empty cgroups. */
async function removeTraces(namespace: string): Promise<void> {
  await rm(join('/run/containerd/runc', namespace), { recursive: true, force: true })
  const root = '/sys/fs/cgroup'
  const groups = (await readdir(root)).map(name => join(root, name, namespace))
  for (const group of [join(root, namespace), ...groups]) await removeGroup(group)
}

/** Removes a cgroup with its children. The kernel lets go of one only after its last process has ended. */
async function removeGroup(group: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      const children = (await readdir(group, { withFileTypes: true })).filter(one =>
        one.isDirectory(),
      )
      for (const child of children) await removeGroup(join(group, child.name))
      await rmdir(group)
      return
    } catch (error) {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return
      if (!hasCode(error, 'EBUSY')) throw error
      await sleep(100)
    }
  }
  throw new Error(`${group} still has processes`)
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
