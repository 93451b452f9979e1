import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { type DockerdVersion, dockerdVersions } from '../kit/dockerd-release.ts'
import { type Outcome, orch } from '../kit/exec.ts'
import { helloArchive } from '../kit/hello-archive.ts'
import { eachDockerd, needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { exportsOf } from './docker-exports.ts'
import { filesProject } from './projects.ts'

const name = 'example.com/team/hello:1'
const program = 'hello from amd64\n'

/** Loads the image that says hello. */
async function loadHello(dockerd: Dockerd): Promise<void> {
  const archive = await helloArchive(name)
  const env = { DOCKER_HOST: dockerd.host }
  expect(await orch(['copy', `oci-archive:${archive}`, `docker:${name}`], { env })).toMatchObject({
    exitCode: 0,
  })
}

eachDockerd('amd64')('an image of a docker engine as the source', version => {
  const keepsIndexes = version === '29'
  const platforms = keepsIndexes ? ['linux/amd64', 'linux/arm64'] : ['linux/amd64']
  let dockerd: Dockerd
  let env: Record<string, string>
  beforeAll(async () => {
    dockerd = await startDockerd({ version })
    env = { DOCKER_HOST: dockerd.host }
    await loadHello(dockerd)
  })

  it('is shown with the platforms that the engine has', async () => {
    const shown = await orch(['inspect', '--json', `docker-daemon:${name}`], { env })
    expect(shown.exitCode, shown.stderr).toBe(0)
    for (const platform of platforms) expect(shown.stdout).toContain(`"${platform}"`)
    expect((await orch(['inspect', `docker-daemon:${name}`], { env })).stdout).toContain(name)
    const here = `docker-daemon:${name},host=${dockerd.host}`
    const valid = await orch(['validate', '--json', here])
    expect(JSON.parse(valid.stdout), valid.stderr).toMatchObject({ findings: [], platforms })
  })

  it('is copied into a layout, and from there back, where it is known', async () => {
    const layout = `oci:${await tempFolder('from-docker')}/oci`
    const copied = await orch(['copy', '--json', `docker-daemon:${name}`, layout], { env })
    expect(copied.exitCode, copied.stderr).toBe(0)
    expect(JSON.parse(copied.stdout).images).toMatchObject([{ references: [name] }])
    const valid = await orch(['validate', '--json', layout])
    expect(JSON.parse(valid.stdout)).toMatchObject({ findings: [], platforms })
    const [back] = exportsOf(await orch(['copy', '--json', layout, 'docker:back:1'], { env }))
    expect(back).toMatchObject({ names: ['back:1'], details: { sent: { blobs: 0, bytes: 0 } } })
    expect((await dockerd.run('back:1')).stdout).toBe(program)
  })

  it('that is not there is an error which names the engine', async () => {
    const none = await orch(['inspect', 'docker-daemon:none:1'], { env })
    expect(none).toMatchObject({ exitCode: 1, stdout: '' })
    expect(none.stderr).toMatch(/error\[IMAGE_NOT_FOUND\].*none:1/)
    expect(none.stderr).toContain(dockerd.host)
    const wrong = await orch(['inspect', `docker-daemon:${name},hots=x`], { env })
    expect(wrong.exitCode).toBe(2)
    expect(wrong.stderr).toContain('error[DOCKER_SOURCE_INVALID]')
  })
})

needs(
  'dockerd20',
  'dockerd29',
  'docker',
  'amd64',
)('two docker engines', () => {
  const daemons = new Map<DockerdVersion, Dockerd>()
  const hostOf = (version: DockerdVersion): string => daemons.get(version)?.host ?? ''
  beforeAll(async () => {
    for (const version of dockerdVersions) daemons.set(version, await startDockerd({ version }))
    for (const dockerd of daemons.values()) await loadHello(dockerd)
  })

  it.each([
    ['20.10', '29'],
    ['29', '20.10'],
  ] as const)('give each other images: from %s to %s', async (from, to) => {
    const source = `docker-daemon:${name},host=${hostOf(from)}`
    const there = `docker:from-${from}:1,host=${hostOf(to)}`
    const [copied] = exportsOf(await orch(['copy', '--json', source, there]))
    expect(copied?.location).toBe(`from-${from}:1`)
    expect((await daemons.get(to)?.run(`from-${from}:1`))?.stdout).toBe(program)
  })
})

needs(
  'containerd',
  'dockerd29',
  'docker',
)('orch load, with docker and containerd there', () => {
  let dockerd: Dockerd
  let containerd: Containerd
  let folder = ''
  beforeAll(async () => {
    containerd = await startContainerd({ version: '1.6' })
    dockerd = await startDockerd({ version: '29' })
    folder = await filesProject([], ['    tags: ["tiny:1"]'])
  })

  const load = (env: Record<string, string>, ...more: readonly string[]): Promise<Outcome> =>
    orch(['-C', folder, 'load', ...more], { env: { DOCKER_CONFIG: join(folder, 'none'), ...env } })
  /** Where containerd is, as ctr is told. */
  const ctr = (): Record<string, string> => ({
    CONTAINERD_ADDRESS: containerd.address,
    CONTAINERD_NAMESPACE: containerd.namespace,
    CONTAINERD_SNAPSHOTTER: containerd.snapshotter,
  })

  it('takes the one that the environment names', async () => {
    const docker = await load({ DOCKER_HOST: dockerd.host })
    expect(docker.exitCode, docker.stderr).toBe(0)
    expect(docker.stderr).toContain(`Docker Engine at ${dockerd.host}`)
    expect(await dockerd.images()).toEqual(['tiny:1'])
    expect(await containerd.images()).toEqual([])
    const other = await load(ctr())
    expect(other.exitCode, other.stderr).toBe(0)
    expect(other.stderr).toContain(`containerd at ${containerd.address}`)
    expect(await containerd.images()).toEqual(['docker.io/library/tiny:1'])
  })

  it('takes the one that it is told', async () => {
    const env = { DOCKER_HOST: dockerd.host, ...ctr() }
    const told = await load(env, '--to', 'docker', '--tag', 'told:1')
    expect(told.exitCode, told.stderr).toBe(0)
    expect(await dockerd.images()).toEqual(['tiny:1', 'told:1'])
    const there = `docker,host=${dockerd.host}`
    expect((await load(ctr(), '--to', there, '--tag', 'there:1')).exitCode).toBe(0)
    expect(await dockerd.images()).toEqual(['there:1', 'tiny:1', 'told:1'])
    expect(await containerd.images()).toEqual(['docker.io/library/tiny:1'])
  })
})
