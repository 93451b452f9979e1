import { existsSync } from 'node:fs'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Outcome, orch } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'
import { helloProject } from './projects.ts'

/** What the tests read of descriptors in `index.json` and below. */
interface Item {
  digest: string
  annotations?: Record<string, string>
  [key: string]: unknown
}
type Index = Record<string, unknown> & { manifests: Item[] }

const name = 'example.com/hello:dev'
const refName = 'org.opencontainers.image.ref.name'
let folder = ''
let layout = ''
let digest = ''

beforeAll(async () => {
  folder = await helloProject()
  layout = join(folder, 'dist/oci')
  const outcome = await orch(['-C', folder, 'build'])
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  digest = outcome.stdout.trim().split('@')[1] ?? ''
})

/** `orch copy`, and what it wrote about its one image with --json. */
async function copy(...args: readonly string[]): Promise<Outcome> {
  return orch(['copy', '--progress', 'quiet', ...args])
}

/** A copy that must succeed: what it says on standard output. */
async function copied(...args: readonly string[]): Promise<string> {
  const outcome = await copy(...args)
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  return outcome.stdout.trim()
}

/** A copy that must fail: what it says on standard error. */
async function refused(exitCode: number, ...args: readonly string[]): Promise<string> {
  const outcome = await copy(...args)
  expect(outcome, outcome.stderr).toMatchObject({ exitCode, stdout: '' })
  return outcome.stderr
}

async function readIndex(path: string): Promise<Index> {
  return JSON.parse(await readFile(path, 'utf8')) as Index
}

/** The layout with another list of what it holds, made of the manifests of its one image. */
async function relisted(change: (manifests: readonly Item[]) => Item[]): Promise<string> {
  const other = join(await tempFolder('listed'), 'oci')
  await cp(layout, other, { recursive: true })
  const { manifests } = await readIndex(blob(other, digest))
  const index = await readIndex(join(other, 'index.json'))
  await writeFile(
    join(other, 'index.json'),
    JSON.stringify({ ...index, manifests: change(manifests) }),
  )
  return other
}

function blob(at: string, of: string): string {
  return join(at, 'blobs', ...of.split(':'))
}

const called = (item: Item, text: string): Item => ({
  ...item,
  annotations: { ...item.annotations, [refName]: text },
})

describe('orch copy', () => {
  it('brings an image from medium to medium, whole, unchanged and under its name', async () => {
    const work = await tempFolder('copy')
    const line = `example.com/hello@${digest}`
    expect(await copied(`oci:${layout}`, `oci-archive:${work}/a.tar,compression=zstd`)).toBe(line)
    expect(
      await copied(`oci-archive:${work}/a.tar`, `oci:${work}/oci`, `oci-archive:${work}/b.tar`),
    ).toBe(line)
    for (const source of [`oci:${work}/oci:${name}`, `oci-archive:${work}/b.tar:${name}`]) {
      const { exitCode, stdout } = await orch(['validate', source])
      expect(stdout).toContain('valid; 8 blobs')
      expect(exitCode).toBe(0)
    }
    const arm = `docker-archive:${work}/arm.tar:team/arm:1,platform=linux/arm64`
    const line64 = await copied(`oci:${work}/oci`, arm)
    const [, arm64] = (await readIndex(blob(layout, digest))).manifests
    expect(line64).toBe(`team/arm@${arm64?.digest}`)
    expect(await copied(`docker-archive:${work}/arm.tar`, `oci:${work}/arm`)).toMatch(
      /^team\/arm@sha256:/,
    )
  })

  it('says as JSON what build says', async () => {
    const work = await tempFolder('copy')
    const metadata = join(work, 'meta.json')
    const args = [`oci:${layout}`, `oci:${work}/oci:x:1`, '--json', '--metadata-file', metadata]
    const document = JSON.parse(await copied(...args))
    expect(document).toMatchObject({
      'containerimage.digest': digest,
      'image.name': 'x:1',
      ok: true,
      images: [
        {
          name: 'hello',
          digest,
          platforms: [
            { platform: 'linux/amd64', layers: 2 },
            { platform: 'linux/arm64', layers: 2 },
          ],
          exports: [{ exporter: 'layout', location: `${work}/oci`, names: ['x:1'] }],
        },
      ],
    })
    expect(JSON.parse(await readFile(metadata, 'utf8'))).toEqual(document)
  })

  it('names each image as it is where it was put, in lines and as JSON', async () => {
    const work = await tempFolder('copy')
    const to = [`oci:${work}/oci`, `oci:${work}/oci:q:1`, `oci-archive:${work}/a.tar:q:2`]
    expect((await copied(`oci:${layout}`, ...to)).split('\n')).toEqual([
      `example.com/hello@${digest}`,
      `q@${digest}`,
    ])
    expect(JSON.parse(await copied(`oci:${layout}`, ...to, '--json'))).toMatchObject({
      'image.name': `${name},q:1,q:2`,
    })
    const { stdout } = await orch(['inspect', `oci:${work}/oci`])
    // Both go into the layout side by side, so that either may come first.
    const line = new RegExp(`^[├└]─ index .*${digest}  \\S+  (\\S+)(?: \\(shown above\\))?$`, 'gm')
    expect([...stdout.matchAll(line)].map(([, found]) => found).sort()).toEqual([name, 'q:1'])
    expect(stdout.match(/\(shown above\)$/gm)).toHaveLength(1)
  })

  it('copies every image of a medium, or the one that is named', async () => {
    const work = await tempFolder('copy')
    await copied(`oci:${layout}`, `oci:${work}/both`)
    await copied(`oci:${layout}`, `oci:${work}/both`, '--platform', 'linux/arm64', '--name', 'b:2')
    const all = await copied(`oci:${work}/both`, `oci-archive:${work}/{name}.tar`)
    expect(all.split('\n').map(line => line.split('@')[0])).toEqual(['example.com/hello', 'b'])
    expect(await copied(`oci-archive:${work}/hello.tar`, `oci:${work}/one`)).toContain(digest)
    expect(await copied(`oci:${work}/both:b:2`, `oci-archive:${work}/x.tar`)).toMatch(/^b@/)
    expect(await refused(2, `oci:${work}/both`, `oci-archive:${work}/shared.tar`)).toContain(
      'error[ARCHIVE_SHARED]',
    )
    const several = await refused(1, `oci:${work}/both`, `oci:${work}/out`, '--name', 'c:1')
    expect(several).toContain('error[IMAGE_AMBIGUOUS]')
    expect(several).toContain(name)
    expect(await refused(1, `oci:${work}/both`, `oci:${work}/out:c:1`)).toContain('IMAGE_AMBIGUOUS')
    expect(existsSync(join(work, 'out'))).toBe(false)
  })

  it('copies the platforms that are wanted, and keeps the index when those are all', async () => {
    const work = await tempFolder('copy')
    const platforms = ['--platform', 'linux/amd64,linux/arm64']
    expect(await copied(`oci:${layout}`, `oci:${work}/all`, ...platforms)).toContain(digest)
    const args = [`oci:${layout}`, `oci:${work}/arm`, '--platform', 'linux/arm64', '--json']
    const { images } = JSON.parse(await copied(...args))
    expect(images[0].platforms).toMatchObject([{ platform: 'linux/arm64' }])
    expect(images[0].digest).not.toBe(digest)
    const { stdout } = await orch(['validate', `oci:${work}/arm`])
    expect(stdout).toMatch(/valid; .* platforms linux\/arm64$/m)
    expect(
      await refused(1, `oci:${layout}`, `oci:${work}/none`, '--platform', 'linux/s390x'),
    ).toContain('error[PLATFORM_MISSING]')
  })

  it('takes an archive without names, and gives it one', async () => {
    const nameless = await relisted(manifests => manifests.map(item => called(item, 'latest')))
    const work = await tempFolder('copy')
    const unnamed = await relisted(manifests => [...manifests])
    const [line = ''] = (await copied(`oci:${unnamed}`, `oci-archive:${work}/a.tar`)).split('\n')
    expect(line).toMatch(/^([0-9a-f]{12})@sha256:\1/)
    expect(await copied(`oci-archive:${work}/a.tar`, `oci:${work}/a`, '--name', 'made:1')).toMatch(
      /^made@/,
    )
    const { stdout } = await orch(['inspect', `oci:${work}/a:made:1`])
    expect(stdout).toMatch(/manifest linux\/amd64.*manifest linux\/arm64/s)
    expect(await copied(`oci:${nameless}`, `oci:${work}/b:made:1`)).toMatch(/^made@/)
  })

  it('loses none of two manifests under one name', async () => {
    const work = await tempFolder('copy')
    const shared = await relisted(manifests => manifests.map(item => called(item, 'x.org/a:1')))
    const stderr = await refused(1, `oci:${shared}`, `oci:${work}/out`)
    expect(stderr).toContain('error[IMAGE_AMBIGUOUS]')
    for (const { digest: own } of (await readIndex(join(shared, 'index.json'))).manifests)
      expect(stderr).toContain(own)
    expect(existsSync(join(work, 'out'))).toBe(false)
    await copied(`oci:${shared}`, `oci:${work}/out`, '--name', 'x.org/a:1')
    const { stdout } = await orch(['inspect', `oci:${work}/out:x.org/a:1`])
    expect(stdout).toMatch(/manifest linux\/amd64.*manifest linux\/arm64/s)
  })

  it('names what is missing, with its platform, and writes nothing anywhere', async () => {
    const work = await tempFolder('copy')
    const broken = join(work, 'broken')
    await cp(layout, broken, { recursive: true })
    const { manifests } = await readIndex(blob(broken, digest))
    const arm = await readFile(blob(broken, manifests[1]?.digest ?? ''), 'utf8')
    const lost = (JSON.parse(arm) as { layers: Item[] }).layers[1]?.digest ?? ''
    await rm(blob(broken, lost))
    const to = [`oci:${work}/out`, `oci-archive:${work}/out.tar`]
    const stderr = await refused(1, `oci:${broken}`, ...to)
    expect(stderr).toContain('error[IMAGE_INCOMPLETE]')
    expect(stderr).toContain(`linux/arm64 layers[1] ${lost}`)
    expect(stderr).toContain('--platform linux/amd64')
    expect(existsSync(join(work, 'out')) || existsSync(join(work, 'out.tar'))).toBe(false)
    await copied(`oci:${broken}`, ...to, '--platform', 'linux/amd64')
    expect(await orch(['validate', `oci-archive:${work}/out.tar`])).toMatchObject({ exitCode: 0 })
  })

  it('needs no project, and is not held up by one that is broken', async () => {
    const work = await tempFolder('copy')
    await writeFile(join(work, 'orch.yaml'), 'images: [')
    await copied('-C', work, `oci:${layout}`, 'oci-archive:here.tar')
    expect(existsSync(join(work, 'here.tar'))).toBe(true)
    expect(await refused(2, '-C', work, '-f', 'orch.yaml', `oci:${layout}`, 'oci:x')).toContain(
      'error[CONFIG_INVALID]',
    )
  })

  it.each([
    ['nowhere:x', 'DESTINATION_UNKNOWN'],
    ['oci:', 'DESTINATION_INVALID'],
    ['oci:x,depth=3', 'EXPORT_INVALID'],
    ['oci:x:UPPER', 'REFERENCE_INVALID'],
    ['oci:x:a:1', 'NAME_TWICE', '--name', 'b:1'],
  ])(
    'refuses the destination %s before it opens the source',
    async (destination, code, ...rest) => {
      expect(await refused(2, 'oci:/not/there', destination, ...rest)).toContain(`error[${code}]`)
    },
  )
})
