import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { exec, type Outcome, orch, run } from '../kit/exec.ts'
import { eachContainerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { eventsOf } from './events.ts'
import { helloProject, regclientPlatforms, regclientProject } from './projects.ts'

interface Exported {
  readonly location: string
  readonly names: readonly string[]
  readonly digest: string
  readonly details: {
    readonly namespace: string
    readonly platforms: readonly string[]
    readonly unpacked?: readonly string[]
    readonly sent: { readonly blobs: number; readonly bytes: number }
    readonly reused: { readonly blobs: number; readonly bytes: number }
  }
}

interface ImageDocument {
  readonly name: string
  readonly digest: string
  readonly platforms: readonly { readonly platform: string; readonly digest: string }[]
  readonly exports: readonly Exported[]
}

function imagesOf(outcome: Outcome): readonly ImageDocument[] {
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  return (JSON.parse(outcome.stdout) as { images: ImageDocument[] }).images
}

/** The environment by which orch finds the daemon, as ctr does. */
function environmentOf({ address, namespace, snapshotter }: Containerd): Record<string, string> {
  return {
    CONTAINERD_ADDRESS: address,
    CONTAINERD_NAMESPACE: namespace,
    CONTAINERD_SNAPSHOTTER: snapshotter,
  }
}

eachContainerd(
  'regclient',
  'amd64',
  'arm64',
)('orch build --export containerd', version => {
  let daemon: Containerd
  let env: Record<string, string>
  let folder = ''
  let images: readonly ImageDocument[] = []
  beforeAll(async () => {
    daemon = await startContainerd({ version })
    env = environmentOf(daemon)
    folder = await regclientProject()
    images = imagesOf(
      await orch(['-C', folder, 'build', '--json', '--export', 'containerd'], { env }),
    )
  }, 900_000)

  it('loads four platforms of every image, and says what it did', () => {
    expect(images).toHaveLength(3)
    for (const { name, digest, exports } of images) {
      expect(exports).toMatchObject([
        {
          location: `example.com/regclient/${name}:v0.11.7`,
          digest,
          details: { platforms: regclientPlatforms, unpacked: ['linux/amd64'] },
        },
      ])
    }
  })

  it('leaves an image that ctr finds complete, and nothing behind', async () => {
    const check = await daemon.ctr(['images', 'check'])
    expect(check.exitCode, check.stderr).toBe(0)
    for (const { name, digest } of images) {
      const line = check.stdout.split('\n').find(item => item.includes(`/${name}:v0.11.7`)) ?? ''
      expect(line).toContain(digest)
      expect(line).toMatch(/complete \((\d+)\/\1\).*true/)
    }
    expect(await daemon.leases()).toEqual([])
    expect(await daemon.ingests()).toEqual([])
  })

  it.each(['linux/amd64', 'linux/arm64'])('runs %s', async platform => {
    const name = 'example.com/regclient/regctl:v0.11.7'
    const outcome = await daemon.run(name, platform, ['/app/regctl', 'version'])
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    expect(outcome.stdout).toMatch(new RegExp(`Platform: +${platform}`))
  })

  it('gives back the same bytes: by ctr images export, and by orch copy', async () => {
    const away = await tempFolder('export')
    for (const { name, digest } of images) {
      const reference = `example.com/regclient/${name}:v0.11.7`
      const file = join(away, `${name}.tar`)
      const exported = await daemon.export(file, [reference], ['--all-platforms'])
      expect(exported.exitCode, exported.stderr).toBe(0)
      const valid = await orch(['validate', '--json', `oci-archive:${file}:${reference}`])
      expect(JSON.parse(valid.stdout)).toMatchObject({
        findings: [],
        platforms: regclientPlatforms,
      })
      const copied = await orch(['copy', `oci-archive:${file}:${reference}`, `oci:${away}/back`])
      expect(copied.stdout, copied.stderr).toContain(digest)
      const source = `containerd:${reference}`
      expect((await orch(['validate', source], { env })).stdout).toContain('valid;')
      const read = await orch(['copy', source, `oci:${away}/read`], { env })
      expect(read.stdout, read.stderr).toContain(digest)
    }
    expect(await readdir(join(away, 'read/blobs/sha256'))).toEqual(
      await readdir(join(away, 'back/blobs/sha256')),
    )
  })

  it('sends no blob when nothing has changed', async () => {
    const again = await orch(
      ['-C', folder, 'build', '--json', '--progress', 'rawjson', '--export', 'containerd'],
      { env },
    )
    for (const { exports } of imagesOf(again)) {
      expect(exports[0]?.details.sent).toEqual({ blobs: 0, bytes: 0 })
      expect(exports[0]?.details.reused.blobs).toBeGreaterThan(10)
    }
    expect(eventsOf(again.stderr).filter(event => event.type === 'progress')).toEqual([])
  })
})

eachContainerd('arm64')('an image in containerd', version => {
  let daemon: Containerd
  let env: Record<string, string>
  let layout = ''
  const four = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'windows/amd64']
  beforeAll(async () => {
    daemon = await startContainerd({ version })
    env = environmentOf(daemon)
    const folder = await helloProject()
    const args = ['-C', folder, 'build', '--platform', four.join(','), '--export', 'layout']
    const built = await orch(args)
    expect(built.exitCode, built.stderr).toBe(0)
    layout = join(folder, 'dist/oci')
  })

  it('with fewer platforms than it was built for says what is there', async () => {
    const name = 'example.com/hello:arm'
    const copied = imagesOf(
      await orch(
        ['copy', '--json', '--platform', 'linux/arm64', `oci:${layout}`, `containerd:${name}`],
        { env },
      ),
    )
    expect(copied[0]?.exports).toMatchObject([
      { names: [name], details: { platforms: ['linux/arm64'], unpacked: [] } },
    ])
    const shown = await orch(['inspect', '--json', `containerd:${name}`], { env })
    expect(shown.exitCode, shown.stderr).toBe(0)
    const tree = JSON.parse(shown.stdout)
    expect(tree).toMatchObject({ label: 'index', digest: copied[0]?.digest })
    expect(tree.children.map((child: { platform: string }) => child.platform)).toEqual([
      'linux/arm64',
    ])
    // Nothing of it is missing. (With --all-platforms alone ctr wants the host's platform to be there.)
    const file = join(await tempFolder('export'), 'x.tar')
    const which = ['--all-platforms', '--platform', 'linux/arm64']
    const exported = await daemon.export(file, [name], which)
    expect(exported.exitCode, exported.stderr).toBe(0)
    const valid = await orch(['validate', `oci-archive:${file}:${name}`])
    expect(valid.stdout, valid.stderr).toContain('valid;')
    const ran = await daemon.run(name, 'linux/arm64')
    expect(ran.exitCode, ran.stderr).toBe(0)
    expect(ran.stdout).toContain('linux/arm64')
    const check = await daemon.ctr(['images', 'ls'])
    expect(check.stdout).toMatch(/example\.com\/hello:arm.*linux\/arm64/)
    expect(check.stdout).not.toMatch(/example\.com\/hello:arm.*linux\/amd64/)
  })

  it('goes in without any network', async () => {
    const bundle = new URL('../../packages/cli/bin/orch.cjs', import.meta.url).pathname
    const args = ['copy', `oci:${layout}`, 'containerd:example.com/hello:offline']
    const alone = ['--net', process.execPath, bundle, ...args]
    const outcome = await exec('unshare', alone, { env })
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    expect(await daemon.images()).toContain('example.com/hello:offline')
  })

  it('is known to Kubernetes by its whole name, with the labels of its runtime', async () => {
    const copied = await orch(['copy', `oci:${layout}`, 'containerd:k8s.io/hello:1,pin=true'], {
      env,
    })
    expect(copied.exitCode, copied.stderr).toBe(0)
    const listed = await daemon.ctr(['images', 'ls'], { namespace: 'k8s.io' })
    expect(listed.stdout).toMatch(
      /docker\.io\/library\/hello:1.*io\.cri-containerd\.image=managed,io\.cri-containerd\.pinned=pinned/,
    )
  })

  it('keeps the labels that others gave it, and gets its own', async () => {
    const name = 'example.com/hello:labels'
    const copy = (): Promise<Outcome> =>
      orch(['copy', `oci:${layout}`, `containerd:${name},labels=team=core`], { env })
    expect(await copy()).toMatchObject({ exitCode: 0 })
    expect(await daemon.ctr(['images', 'label', name, 'theirs=kept', 'team=other'])).toMatchObject({
      exitCode: 0,
    })
    expect(await copy()).toMatchObject({ exitCode: 0 })
    expect((await daemon.ctr(['images', 'ls', `name==${name}`])).stdout).toMatch(
      /team=core,theirs=kept/,
    )
  })

  it.each([
    ['none', []],
    ['host', ['linux/amd64']],
    ['linux/arm64', ['linux/arm64']],
    ['all', ['linux/amd64', 'linux/arm64', 'linux/arm/v7']],
  ])('is unpacked as asked for: %s', async (unpack, unpacked) => {
    for (const name of await daemon.images()) await daemon.ctr(['images', 'rm', '--sync', name])
    expect(await daemon.snapshots()).toEqual([])
    const destination = `containerd:example.com/hello:unpack,unpack=${unpack}`
    const [copied] = imagesOf(await orch(['copy', '--json', `oci:${layout}`, destination], { env }))
    expect(copied?.exports[0]?.details.unpacked ?? []).toEqual(unpacked)
    // The layers of the base are the same for all, the program is not.
    const snapshots = await daemon.snapshots()
    expect(snapshots).toHaveLength(unpacked.length === 0 ? 0 : 1 + unpacked.length)
    expect(snapshots.every(key => key.startsWith('sha256:'))).toBe(true)
  })

  it('is not begun when a blob of a foreign platform is missing, which is named', async () => {
    const name = 'example.com/hello:whole'
    expect(await orch(['copy', `oci:${layout}`, `containerd:${name}`], { env })).toMatchObject({
      exitCode: 0,
    })
    const before = await daemon.contents()
    const spoiled = join(await tempFolder('spoiled'), 'oci')
    await run('cp', ['-r', layout, spoiled])
    const shown = JSON.parse((await orch(['inspect', '--json', `oci:${layout}`])).stdout)
    const arm = shown.children[0].children.find(
      (child: { platform: string }) => child.platform === 'linux/arm64',
    )
    const layer: string = arm.children.at(-1).digest
    await rm(join(spoiled, 'blobs/sha256', layer.replace('sha256:', '')))
    const copied = await orch(['copy', `oci:${spoiled}`, `containerd:${name}`], { env })
    expect(copied.exitCode).toBe(1)
    expect(copied.stderr).toContain(layer)
    expect(copied.stderr).toContain('linux/arm64')
    expect(copied.stderr).toContain('IMAGE_INCOMPLETE')
    expect(await daemon.contents()).toEqual(before)
    expect(await daemon.leases()).toEqual([])
    expect((await orch(['validate', `containerd:${name}`], { env })).exitCode).toBe(0)
  })

  it('that lacks blobs is read with a list of them', async () => {
    const name = 'example.com/hello:sparse'
    expect(await orch(['copy', `oci:${layout}`, `containerd:${name}`], { env })).toMatchObject({
      exitCode: 0,
    })
    // Pulled for one platform alone, an image looks like this.
    const shown = JSON.parse(
      (await orch(['inspect', '--json', `containerd:${name}`], { env })).stdout,
    )
    const windows = shown.children.find(
      (child: { platform: string }) => child.platform === 'windows/amd64',
    )
    const layer: string = windows.children.at(-1).digest
    expect(await daemon.ctr(['content', 'rm', layer])).toMatchObject({ exitCode: 0 })
    const inspected = await orch(['inspect', `containerd:${name}`], { env })
    expect(inspected.stdout.split('\n').find(line => line.includes(layer))).toContain('missing')
    const away = await tempFolder('sparse')
    const copied = await orch(['copy', `containerd:${name}`, `oci:${away}/oci`], { env })
    expect(copied.exitCode).toBe(1)
    expect(copied.stderr).toContain(layer)
    const some = ['copy', '--platform', 'linux/amd64,linux/arm64', `containerd:${name}`]
    expect(await orch([...some, `oci:${away}/oci`], { env })).toMatchObject({ exitCode: 0 })
    expect(await orch(['validate', `oci:${away}/oci`])).toMatchObject({ exitCode: 0 })
  })
})

eachContainerd()('orch load', version => {
  it('finds the daemon and says so', async () => {
    const daemon = await startContainerd({ version })
    const folder = await helloProject()
    const loaded = await orch(['-C', folder, 'load'], { env: environmentOf(daemon) })
    expect(loaded.exitCode, loaded.stderr).toBe(0)
    expect(loaded.stderr).toContain(`containerd at ${daemon.address}`)
    expect(await daemon.images()).toEqual(['example.com/hello:dev'])
  })
})
