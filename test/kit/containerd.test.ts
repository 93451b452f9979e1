import { createHash } from 'node:crypto'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Containerd, startContainerd } from './containerd.ts'
import { helloElf } from './elf.ts'
import { run } from './exec.ts'
import { processesWith, processTree } from './ps.ts'
import { needs } from './services.ts'
import { tempFolder } from './temp.ts'

const name = 'example.com/hello:dev'

/** An OCI archive made by hand: one index, a manifest for linux/amd64 and one for linux/arm64. */
async function helloArchive(then: 'exit' | 'wait' = 'exit'): Promise<string> {
  const layout = join(await tempFolder('hello'), 'layout')
  const blobs = join(layout, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })

  const put = async (mediaType: string, content: Buffer | object) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    const hex = createHash('sha256').update(bytes).digest('hex')
    await writeFile(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const oci = (kind: string) => `application/vnd.oci.image.${kind}`

  const manifests: object[] = []
  for (const architecture of ['amd64', 'arm64'] as const) {
    const rootfs = await tempFolder('rootfs')
    await writeFile(
      join(rootfs, 'hello'),
      helloElf(architecture, `hello from ${architecture}\n`, then),
      {
        mode: 0o755,
      },
    )
    await run('tar', ['-cf', join(rootfs, 'layer.tar'), '-C', rootfs, 'hello'])
    const layer = await put(oci('layer.v1.tar'), readFileSync(join(rootfs, 'layer.tar')))
    const platform = { os: 'linux', architecture }
    const config = await put(oci('config.v1+json'), {
      ...platform,
      config: { Entrypoint: ['/hello'] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    })
    const mediaType = oci('manifest.v1+json')
    const manifest = { schemaVersion: 2, mediaType, config, layers: [layer] }
    manifests.push({ ...(await put(mediaType, manifest)), platform })
  }
  const mediaType = oci('index.v1+json')
  const index = await put(mediaType, { schemaVersion: 2, mediaType, manifests })
  const annotations = { 'io.containerd.image.name': name }
  const top = { schemaVersion: 2, mediaType, manifests: [{ ...index, annotations }] }
  await writeFile(join(layout, 'index.json'), JSON.stringify(top))
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const archive = `${layout}.tar`
  await run('tar', ['-cf', archive, '-C', layout, '.'])
  return archive
}

needs(
  'containerd',
  'amd64',
  'arm64',
)('a containerd of our own', () => {
  let containerd: Containerd
  beforeAll(async () => {
    containerd = await startContainerd()
  })

  it('imports an image index with all its platforms', async () => {
    const { exitCode, stderr } = await containerd.ctr([
      'images',
      'import',
      '--all-platforms',
      await helloArchive(),
    ])
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
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

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'stops with all it started and mounted, also after %s, and nothing else',
    async signal => {
      const own = await startContainerd()
      await own.ctr(['images', 'import', '--all-platforms', await helloArchive('wait')])
      for (const platform of ['linux/amd64', 'linux/arm64']) {
        const args = ['run', '--detach', '--null-io', '--platform', platform]
        const { stderr } = await own.ctr([...args, name, platform.replace('/', '-')])
        expect(stderr).toBe('')
      }
      const sockets = shimSockets(dirname(own.address))
      expect(sockets.filter(socket => existsSync(socket))).toHaveLength(2)
      const shims = processesWith(args => args.includes(own.address))
      expect(shims).toHaveLength(2)
      expect(cgroups(own.namespace)).not.toEqual([])
      const containers = shims.flatMap(shim => processTree(shim).slice(1))
      expect(containers).toHaveLength(2)
      expect(mounts()).toContain(dirname(own.address))

      if (signal === 'SIGKILL') process.kill(own.pid, signal)
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

function shimSockets(folder: string): string[] {
  return globSync(join(folder, 'state/io.containerd.runtime.v2.task/*/*/address')).map(file =>
    readFileSync(file, 'utf8').trim().replace('unix://', ''),
  )
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
