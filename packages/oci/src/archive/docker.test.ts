import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../documents/digest.ts'
import { pickImage } from '../layout/pick.ts'
import { validateImage } from '../validate/validate.ts'
import { openArchive } from './read.ts'
import { endMarker, type RawEntry, rawTar } from './test-tar.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-docker-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
async function tarOf(...entries: readonly RawEntry[]): Promise<string> {
  const path = join(folder, `${count++}.tar`)
  await writeFile(path, Buffer.concat([rawTar(...entries), endMarker]))
  return path
}

const json = (name: string, value: unknown): RawEntry => ({ name, content: JSON.stringify(value) })
const layer = Buffer.concat([rawTar({ name: 'file', content: 'x' }), endMarker])
const configOf = (...ids: readonly string[]): object => ({
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: ids },
})
const item = (...layers: readonly string[]): object => ({
  Config: 'config.json',
  RepoTags: ['old:1'],
  Layers: layers,
})

describe('a docker archive', () => {
  it('of older engines is read: layers as plain tars, links between them', async () => {
    const path = await tarOf(
      { name: 'aa/layer.tar', content: layer },
      { name: 'bb/layer.tar', type: '2', link: '../aa/layer.tar' },
      json('config.json', configOf(digestOf(layer), digestOf(layer))),
      json('manifest.json', [item('aa/layer.tar', 'bb/layer.tar')]),
    )
    const archive = await openArchive(path)
    expect(archive.format).toBe('docker')
    const read = pickImage(archive, 'old:1')
    const validation = await validateImage(read)
    expect(validation).toMatchObject({ findings: [], platforms: ['linux/amd64'] })
    expect(read.names).toEqual(['docker.io/library/old:1'])
    // Its digest is the diffID: believed when the archive is opened, and found out when it lies.
    const bytes = await readFile(path)
    bytes.write('y', bytes.indexOf('x\0'))
    await writeFile(path, bytes)
    const lying = await validateImage(pickImage(await openArchive(path), 'old:1'))
    expect(lying.findings).toMatchObject([{ code: 'BLOB_CORRUPT' }])
  })

  it('is opened soon, however often it lists a large config', async () => {
    const config = { ...configOf(), padding: 'p'.repeat(4_000_000) }
    const items = (length: number): RawEntry =>
      json(
        'manifest.json',
        Array.from({ length }, () => item()),
      )
    const path = await tarOf(json('config.json', config), items(1000))
    const began = performance.now()
    expect((await openArchive(path)).index.manifests).toHaveLength(1000)
    // Reading it a thousand times takes a quarter of a minute.
    expect(performance.now() - began).toBeLessThan(10_000)
    const more = openArchive(await tarOf(json('config.json', config), items(1001)))
    await expect(more).rejects.toThrow('manifest.json lists 1001 images; at most 1000 are read')
  })

  it('lists no more layers and names than any sound one', async () => {
    const layers = Array.from({ length: 60_000 }, () => 'a')
    const path = await tarOf(
      json('config.json', configOf()),
      json('manifest.json', [{ ...item(...layers), RepoTags: layers }]),
    )
    await expect(openArchive(path)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('lists more than 100000 layers and names'),
    })
  })

  it('lists as many layers as its config', async () => {
    const path = await tarOf(
      { name: 'a.tar', content: layer },
      json('config.json', configOf(digestOf(layer))),
      json('manifest.json', [item('a.tar', 'a.tar')]),
    )
    await expect(openArchive(path)).rejects.toThrow(
      '"config.json" is of 1 layers, and manifest.json lists 2',
    )
  })

  it('is not opened to its end once that is stopped', async () => {
    const configs = Array.from({ length: 20 }, (_, at) =>
      json(`${at}.json`, { ...configOf(), padding: 'p'.repeat(4_000_000) }),
    )
    const items = configs.map(({ name }) => ({ ...item(), Config: name }))
    const path = await tarOf(...configs, json('manifest.json', items))
    const signal = AbortSignal.timeout(50)
    await expect(openArchive(path, { signal })).rejects.toThrow('operation was aborted')
  })
})

describe('the documents of an archive', () => {
  it.each(['index.json', 'oci-layout', 'manifest.json'])('%s is not a link', async document => {
    const others = ['index.json', 'oci-layout', 'manifest.json'].filter(name => name !== document)
    for (const type of ['1', '2']) {
      const path = await tarOf(
        json('a.json', {}),
        { name: document, type, link: 'a.json' },
        ...others.map(name => json(name, {})),
      )
      await expect(openArchive(path)).rejects.toThrow(`${document} is a link, not a file`)
    }
  })
})
