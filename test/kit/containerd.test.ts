import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Containerd, startContainerd } from './containerd.ts'
import { shimSockets } from './containerd-cleanup.ts'
import { helloArchive } from './hello-archive.ts'
import { processesWith, processTree } from './ps.ts'
import { eachContainerd } from './services.ts'
import { smallDisk } from './tmpfs.ts'

const name = 'example.com/hello:dev'
const nothing = `sha256:${'0'.repeat(64)}`

eachContainerd('amd64', 'arm64')('a containerd of our own', version => {
  let containerd: Containerd
  beforeAll(async () => {
    containerd = await startContainerd({ version })
    const archive = await helloArchive(name)
    const outcome = await containerd.ctr(['images', 'import', '--all-platforms', archive])
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('is of the version asked for', async () => {
    const { stdout } = await containerd.ctr(['version'])
    const versions = [...stdout.matchAll(/Version: +v?([\d.]+)/g)].map(([, number]) => number)
    expect(versions).toHaveLength(2)
    for (const number of versions) expect(`${number}.`).toMatch(new RegExp(`^${version}\\.`))
  })

  it('has imported an image index with all its platforms', async () => {
    expect(await containerd.images()).toEqual([name])
    const { stdout } = await containerd.ctr(['images', 'check'])
    expect(stdout).toMatch(/example\.com\/hello:dev .*complete \(2\/2\)/)
  })

  it.each(['amd64', 'arm64'])('runs the %s image', async architecture => {
    const outcome = await containerd.run(name, `linux/${architecture}`)
    expect(outcome).toEqual({ exitCode: 0, stdout: `hello from ${architecture}\n`, stderr: '' })
  })

  it('gives the exit code of what it could not run', async () => {
    const { exitCode, stderr } = await containerd.run(name, 'linux/s390x')
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain('no match for platform')
  })

  it('keeps all through a crash and a restart, and collects what nothing holds', async () => {
    const disk = await smallDisk(64 * 1024 * 1024)
    const own = await startContainerd({ version, root: disk })
    expect(readdirSync(disk)).toContain('io.containerd.metadata.v1.bolt')
    await own.ctr(['images', 'import', '--all-platforms', await helloArchive(name)])
    await own.ctr(['leases', 'create', '--id', 'held'])
    // What is refused at the end stays half-written.
    await own.ctr(['content', 'ingest', '--expected-digest', nothing, 'refused'])
    const listed = async () => ({
      images: await own.images(),
      contents: (await own.contents()).length,
      ingests: await own.ingests(),
      leases: await own.leases(),
      snapshots: (await own.snapshots()).length,
    })
    // The archive's own index.json, which 2.x had put there too, is gone after this.
    await own.collect()
    const all = await listed()
    expect(all).toMatchObject({
      images: [name],
      contents: 7,
      ingests: ['refused'],
      leases: ['held'],
    })
    expect(all.snapshots).toBeGreaterThan(0)

    const { pid } = own
    await own.kill()
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    expect((await own.ctr(['--connect-timeout', '1s', 'version'])).exitCode).not.toBe(0)
    await own.restart()
    expect(own.pid).not.toBe(pid)
    await own.collect()
    expect(await listed()).toEqual(all)
    await own.restart()
    expect(await listed()).toEqual(all)

    await own.ctr(['images', 'rm', name])
    await own.collect()
    expect(await listed()).toEqual({ ...all, images: [], contents: 0, snapshots: 0 })
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'stops with all it started and mounted, also after %s, and nothing else',
    async signal => {
      const own = await startContainerd({ version })
      await own.ctr(['images', 'import', '--all-platforms', await helloArchive(name, 'wait')])
      for (const platform of ['linux/amd64', 'linux/arm64']) {
        const args = ['run', '--detach', '--null-io', '--platform', platform]
        const { stderr } = await own.ctr([...args, name, platform.replace('/', '-')])
        expect(stderr).toBe('')
      }
      const sockets = await shimSockets(join(dirname(own.address), 'state'))
      expect(sockets.filter(socket => existsSync(socket))).toHaveLength(2)
      const shims = processesWith(args => args.includes(own.address))
      expect(shims).toHaveLength(2)
      expect(cgroups(own.namespace)).not.toEqual([])
      const containers = shims.flatMap(shim => processTree(shim).slice(1))
      expect(containers).toHaveLength(2)
      expect(mounts()).toContain(dirname(own.address))

      if (signal === 'SIGKILL') await own.kill()
      await own.stop()
      await own.stop()
      expect(existsSync(`/proc/${own.pid}`)).toBe(false)
      expect(processesWith(args => args.includes(own.address))).toEqual([])
      expect(containers.filter(pid => isAlive(pid))).toEqual([])
      expect(sockets.filter(socket => existsSync(socket))).toEqual([])
      expect(mounts()).not.toContain(dirname(own.address))
      expect(cgroups(own.namespace)).toEqual([])
      expect((await containerd.ctr(['version'])).exitCode).toBe(0)
    },
  )
})

/** Whether a process still runs; one that only waits to be reaped does not. */
function isAlive(pid: number): boolean {
  return processesWith(args => args[0] !== '').includes(pid)
}

function cgroups(namespace: string): string[] {
  const root = '/sys/fs/cgroup'
  return ['.', ...readdirSync(root)]
    .map(controller => join(root, controller, namespace))
    .filter(group => existsSync(group))
}

function mounts(): string {
  return readFileSync('/proc/self/mountinfo', 'utf8')
}
