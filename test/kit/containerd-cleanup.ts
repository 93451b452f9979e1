import { glob, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exec, run } from './exec.ts'
import { processesWith, processTree } from './ps.ts'

/** Ends what still runs the proper way, so that its shims remove their sockets. `ctr` is the program. */
export async function endTasks(ctr: string, address: string): Promise<void> {
  const list = async (args: readonly string[]) =>
    // A containerd that is gone has no tasks to end; its shims are ended after this.
    (await exec(ctr, ['--timeout', '10s', '--address', address, ...args])).stdout
      .split('\n')
      .filter(line => line !== '')
  for (const namespace of await list(['namespaces', 'ls', '-q']))
    for (const task of await list(['--namespace', namespace, 'tasks', 'ls', '-q']))
      await list(['--namespace', namespace, 'tasks', 'rm', '--force', task])
}

/** Shims outlive their containerd by design. Ours are known by the address in their arguments. */
export function endShims(address: string): void {
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

/** A shim that was killed leaves its socket outside our folders. */
export async function removeShimSockets(state: string): Promise<void> {
  for (const socket of await shimSockets(state)) await rm(socket, { force: true })
}

/** The sockets of its shims, as its folder of state says: a file of the address in 1.6, of JSON in 2.x. */
export async function shimSockets(state: string): Promise<string[]> {
  const sockets: string[] = []
  const bundles = join(state, 'io.containerd.runtime.v2.task/*/*')
  for await (const file of glob(join(bundles, '{address,bootstrap.json}'))) {
    const socket = /unix:\/\/([^"\s]+)/.exec(await readFile(file, 'utf8'))?.[1]
    if (socket !== undefined) sockets.push(socket)
  }
  return sockets
}

/** Unmounts what is mounted in the folder; what is mounted on it stays. */
export async function unmountUnder(folder: string): Promise<void> {
  const points = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(point => point.startsWith(`${folder}/`))
  // The last mounted first; lazily, as a process just killed may still be leaving.
  for (const point of points.reverse()) await run('umount', ['-l', point])
}

/** What runc leaves behind per namespace: its folder of state, and empty cgroups. */
export async function removeTraces(namespace: string): Promise<void> {
  await rm(join('/run/containerd/runc', namespace), { recursive: true, force: true })
  await removeGroups(namespace)
}

/** Removes the cgroups of this name, which must have no processes, or only such as are ending. */
export async function removeGroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup'
  const groups = (await readdir(root)).map(controller => join(root, controller, name))
  for (const group of [join(root, name), ...groups]) await removeGroup(group)
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
