import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Dockerd, startDockerd } from './dockerd.ts'
import { exec, run } from './exec.ts'
import { helloDockerArchive } from './hello-archive.ts'
import { dockerArchive } from './oci-archive.ts'
import { processesWith, processTree } from './ps.ts'
import { eachDockerd } from './services.ts'
import { tempFolder } from './temp.ts'
import { smallDisk } from './tmpfs.ts'

const name = 'example.com/hello:dev'

eachDockerd(
  'amd64',
  'arm64',
  'openssl',
)('a Docker Engine of our own', version => {
  let dockerd: Dockerd
  const isNew = version === '29'
  const arm64 = isNew ? name : `${name}-linux-arm64`
  const both = isNew ? [name] : [name, arm64]
  beforeAll(async () => {
    dockerd = await startDockerd({ version, tls: true })
    const { exitCode, stderr, stdout } = await dockerd.load(await helloDockerArchive(name))
    expect(exitCode, stderr).toBe(0)
    expect(stdout).toContain(`Loaded image: ${name}\n`)
  })

  it('is of the version asked for, and keeps images where that does', async () => {
    const { ApiVersion } = (await dockerd.get('/version')) as { ApiVersion: string }
    expect(ApiVersion).toMatch(isNew ? /^1\.5\d$/ : /^1\.41$/)
    const { DriverStatus, DockerRootDir } = await dockerd.info()
    const driver = ['driver-type', 'io.containerd.snapshotter.v1']
    expect(JSON.stringify(DriverStatus).includes(JSON.stringify(driver))).toBe(isNew)
    expect(DockerRootDir).toContain(dirname(dockerd.socket))
    await expect(dockerd.get('/images/none/json')).rejects.toThrow(/: 404 .*No such image/)
  })

  it('runs the image on both architectures', async () => {
    expect(await dockerd.images()).toEqual(both)
    for (const [architecture, reference] of [
      ['amd64', name],
      ['arm64', arm64],
    ] as const) {
      const outcome = await dockerd.run(reference, `linux/${architecture}`)
      expect(outcome).toEqual({ exitCode: 0, stdout: `hello from ${architecture}\n`, stderr: '' })
    }
    expect((await dockerd.run('example.com/none')).stderr).toMatch(/no such image/i)
  })

  it('shows itself over TCP to whom it knows alone', async () => {
    const { host = '', certificates = '' } = dockerd.tls ?? {}
    const ca = ['--tlsverify', '--tlscacert', join(certificates, 'ca.pem')]
    const args = ['--host', host, ...ca, 'images', '--format', '{{.Repository}}:{{.Tag}}']
    const known = await exec('docker', args, { env: { DOCKER_CERT_PATH: certificates } })
    expect(known).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(name) })
    const unknown = await dockerd.docker(args)
    expect(unknown.exitCode).toBe(1)
    expect(unknown.stderr).toContain('tls:')
  })

  it('fills a small disk beside another engine, and leaves nothing after a crash', async () => {
    const disk = await smallDisk(64 * 1024 * 1024)
    const own = await startDockerd({ version, root: disk })
    const leavesNothing = await startsWaiting(own)
    const before = await own.images()
    const loaded = await own.load(await tooLarge())
    expect(`${loaded.stdout}${loaded.stderr}`).toContain('no space left on device')
    expect(await own.images()).toEqual(before)
    await own.kill()
    await own.stop()
    leavesNothing()
    expect(mounts()).not.toContain(`${disk}/`)
    expect((await dockerd.run(name)).stdout).toBe('hello from amd64\n')
  })

  it('keeps all through a crash and a restart, and stops with all it started and mounted', async () => {
    const { pid } = dockerd
    await dockerd.kill()
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    expect((await dockerd.docker(['info'])).exitCode).toBe(1)
    await dockerd.restart()
    expect(dockerd.pid).not.toBe(pid)
    expect(await dockerd.images()).toEqual(both)
    expect((await dockerd.run(name)).stdout).toBe('hello from amd64\n')
    const leavesNothing = await startsWaiting(dockerd)
    await dockerd.stop()
    await dockerd.stop()
    leavesNothing()
  })
})

/** Lets a container run and wait. Gives a check that it is gone, and all of the engine's with it. */
async function startsWaiting(dockerd: Dockerd): Promise<() => void> {
  const { containerd, pid } = dockerd
  const waits = 'example.com/waits:dev'
  expect(await dockerd.load(await helloDockerArchive(waits, 'wait'))).toMatchObject({ stderr: '' })
  const args = ['run', '--detach', '--network', 'none', waits]
  expect((await dockerd.docker(args)).stderr).toBe('')
  const shims = processesWith(found => found.includes('moby') && found.includes(containerd.address))
  const processes = shims.flatMap(shim => processTree(shim))
  expect(processes).toHaveLength(2)
  const folders = [dirname(dockerd.socket), dirname(containerd.address)]
  const mounted = () => folders.filter(folder => mounts().includes(`${folder}/`))
  expect(mounted()).not.toEqual([])
  const config = readFileSync(join(dirname(dockerd.socket), 'daemon.json'), 'utf8')
  const { 'cgroup-parent': group }: { 'cgroup-parent': string } = JSON.parse(config)
  expect(cgroups(group)).not.toEqual([])
  return () => {
    expect([pid, containerd.pid, ...processes].filter(one => isAlive(one))).toEqual([])
    expect(mounted()).toEqual([])
    expect(cgroups(group)).toEqual([])
  }
}

/** An image of 80 MB that cannot be compressed. */
async function tooLarge(): Promise<string> {
  const folder = await tempFolder('large')
  await writeFile(join(folder, 'random'), randomBytes(80_000_000))
  await run('tar', ['-cf', join(folder, 'layer.tar'), '-C', folder, 'random'])
  const layers = [join(folder, 'layer.tar')]
  return await dockerArchive('example.com/large:dev', [{ architecture: 'amd64', layers }])
}

/** Whether a process still runs; one that only waits to be reaped does not. */
function isAlive(pid: number): boolean {
  return processesWith(args => args[0] !== '').includes(pid)
}

function cgroups(parent: string): string[] {
  const root = '/sys/fs/cgroup'
  return ['.', ...readdirSync(root)]
    .map(controller => join(root, controller, parent))
    .filter(group => existsSync(group))
}

function mounts(): string {
  return readFileSync('/proc/self/mountinfo', 'utf8')
}
