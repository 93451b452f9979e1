import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { cutting } from '../kit/cutting.ts'
import { type Outcome, orch } from '../kit/exec.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { eachRegistry } from '../kit/services.ts'
import { regclientImages, regclientPlatforms, regclientProject } from './projects.ts'
import { type Count, copied, type Exported, exportsOf, looked } from './pushing.ts'

/** Blobs and bytes of all exports together. */
function total(exports: readonly Exported[], kind: 'sent' | 'mounted'): Count {
  const sum = (key: keyof Count): number =>
    exports.reduce((before, { details }) => before + details[kind][key], 0)
  return { blobs: sum('blobs'), bytes: sum('bytes') }
}

eachRegistry(
  'regclient',
  'crane',
  'regctl',
  'skopeo',
)('orch build --export registry', version => {
  let registry: Registry
  let folder = ''
  let pushed: readonly Exported[] = []
  const push = (repository: string, ...args: readonly string[]): Promise<Outcome> => {
    const to = `registry,repository=${registry.host}/${repository}`
    return orch(['-C', folder, 'build', '--json', '--export', to, ...args])
  }
  beforeAll(async () => {
    registry = await startRegistry({ version })
    await copied('static', `docker://${registry.host}/base/static:1`)
    folder = await regclientProject()
    const file = join(folder, 'orch.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(
      file,
      text.replaceAll('    tags:', `    base: ${registry.host}/base/static:1\n    tags:`),
    )
    pushed = exportsOf(await push('team'))
  }, 900_000)

  it('puts three images there that other clients take, with every platform', async () => {
    expect(pushed.map(({ location }) => location).sort()).toEqual(
      regclientImages.map(name => `${registry.host}/team/${name}:v0.11.7`),
    )
    for (const { location, digest, details } of pushed) {
      expect(await looked(registry, location)).toBe(digest)
      expect(details.platforms).toEqual(regclientPlatforms)
    }
  })

  it('mounts the layers of the base, which is in the same registry, and sends them not once', () => {
    for (const { details } of pushed) expect(details.mounted.blobs).toBe(2)
  })

  it('sends no blob when all is there', async () => {
    for (const { details } of exportsOf(await push('team'))) {
      expect(details).toMatchObject({ sent: { blobs: 0, bytes: 0 }, mounted: { blobs: 0 } })
      expect(details.reused.blobs).toBeGreaterThan(8)
    }
  })

  it('sends a base that is from elsewhere once, and mounts it for the other images', async () => {
    const fresh = await startRegistry({ version })
    const proxy = await cutting(fresh.host, { counts: 'up' })
    const to = `registry,repository=${proxy.host}/team`
    const all = exportsOf(await orch(['-C', folder, 'build', '--json', '--export', to]))
    expect(all.map(({ digest }) => digest).sort()).toEqual(pushed.map(item => item.digest).sort())
    // Where the base was there already, all of it was mounted: that much more is sent now, and once.
    const base = total(pushed.slice(0, 1), 'mounted')
    const own = total(pushed, 'sent')
    const sent = { blobs: own.blobs + base.blobs, bytes: own.bytes + base.bytes }
    expect(total(all, 'sent')).toEqual(sent)
    expect(total(all, 'mounted')).toEqual({ blobs: 2 * base.blobs, bytes: 2 * base.bytes })
    // Requests and manifests are less than half a base.
    expect(proxy.bytes).toBeGreaterThan(sent.bytes)
    expect(proxy.bytes).toBeLessThan(sent.bytes + base.bytes / 2)
    await fresh.stop()
  })

  it('names repositories by the path of the tags, or refuses two images under one name', async () => {
    const [first] = exportsOf(await push('other,naming=path', 'regctl', '--tag', 'x/y:1'))
    expect(first?.names).toEqual([`${registry.host}/other/x/y:1`])
    const both = await push('one,naming=bare')
    expect(both.exitCode).toBe(2)
    expect(both.stderr).toContain('NAME_TAKEN')
  })
})
