import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { blobFromFile } from '../blob/blob.ts'
import { readBlob } from '../blob/verify.ts'
import { encodeIndex } from '../documents/image-index.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { rootedAt, spoil, testImage } from '../graph/test-image.ts'
import { validateImage } from '../validate/validate.ts'
import { pickImage } from './pick.ts'
import { blobPath, openLayout } from './read.ts'
import { folder, fresh, image, other } from './test-layouts.ts'
import { writeLayout } from './write.ts'

const blobsOf = (path: string): Promise<string[]> => readdir(join(path, 'blobs', 'sha256'))

describe('writeLayout', () => {
  it('writes a layout that reads back whole, under both names', async () => {
    const path = fresh()
    await writeLayout(path, [{ source: image, names: ['team/api:dev'] }])
    const layout = await openLayout(path)
    expect(layout.index.manifests[0]?.annotations).toEqual({
      'io.containerd.image.name': 'docker.io/team/api:dev',
      'org.opencontainers.image.ref.name': 'team/api:dev',
    })
    const read = pickImage(layout, 'team/api:dev')
    expect(read.root.digest).toBe(image.root.digest)
    expect((await validateImage(read)).findings).toEqual([])
    expect((await readdir(path)).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
  })

  it('adds to a layout, moves a name to the new image, and removes what only the old one had', async () => {
    const path = fresh()
    await writeLayout(path, [{ source: image, names: ['a:1', 'a:2'] }])
    await writeLayout(path, [{ source: other, names: ['a:1'] }])
    const both = await openLayout(path)
    expect(both.index.manifests).toHaveLength(2)
    expect(pickImage(both, 'a:1').root.digest).toBe(other.root.digest)
    expect(pickImage(both, 'a:2').root.digest).toBe(image.root.digest)
    await writeLayout(path, [{ source: other, names: ['a:2'] }])
    expect(new Set(await blobsOf(path))).toEqual(
      new Set([...other.blobs.keys()].map(digest => digest.slice(7))),
    )
  })

  it('writes no blob a second time, and replaces one that is damaged', async () => {
    const path = fresh()
    const first = await writeLayout(path, [{ source: image, names: ['a:1'] }])
    expect(first).toMatchObject({ written: image.blobs.size, reused: 0 })
    await writeFile(blobPath(path, image.root.digest), Buffer.alloc(image.root.size))
    const second = await writeLayout(path, [{ source: image, names: ['a:1'] }])
    expect(second).toMatchObject({ written: 1, reused: image.blobs.size - 1 })
    expect((await validateImage(pickImage(await openLayout(path), undefined))).findings).toEqual([])
  })

  it('links blobs that lie in verified files', async () => {
    const from = fresh()
    await writeLayout(from, [{ source: image, names: [] }])
    const linked = rootedAt(image.root, { ...image, blobs: new Map() })
    for (const [digest, { descriptor }] of image.blobs) {
      linked.blobs.set(digest, {
        ...blobFromFile(blobPath(from, digest), descriptor),
        verified: true,
      })
    }
    const path = fresh()
    await writeLayout(path, [{ source: linked, names: ['a:1'] }])
    const inode = async (layout: string): Promise<number> =>
      (await stat(blobPath(layout, image.root.digest))).ino
    expect(await inode(path)).toBe(await inode(from))
  })

  it('leaves the earlier image as it was when a blob lies', async () => {
    const path = fresh()
    await writeLayout(path, [{ source: image, names: ['a:1'] }])
    const bad = await testImage(['linux/amd64', 'linux/riscv64'])
    const [manifest] = bad.manifests
    if (manifest === undefined) throw new Error('no manifest')
    spoil(bad, manifest)
    await expect(writeLayout(path, [{ source: bad, names: ['a:1'] }])).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
    })
    expect(pickImage(await openLayout(path), 'a:1').root.digest).toBe(image.root.digest)
    expect((await readdir(path)).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
  })

  it('does not wait for one blob when another lies', async () => {
    const bad = await testImage(['linux/amd64', 'linux/riscv64'])
    const layers = [...bad.blobs.values()].filter(
      ({ descriptor }) => descriptor.mediaType === mediaTypes.layerGzip,
    )
    const [slow, lying] = layers.map(({ descriptor }) => descriptor)
    if (slow === undefined || lying === undefined) throw new Error('no layers')
    spoil(bad, lying)
    bad.blobs.set(slow.digest, { descriptor: slow, open: () => new Readable({ read() {} }) })
    await expect(writeLayout(fresh(), [{ source: bad, names: ['a:1'] }])).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
    })
  })

  it('leaves no folder behind when it made one and failed', async () => {
    const path = join(fresh(), 'deep', 'er')
    const bad = await testImage(['linux/amd64'])
    bad.blobs.clear()
    await expect(writeLayout(path, [{ source: bad, names: ['a:1'] }])).rejects.toMatchObject({
      code: 'BLOB_MISSING',
    })
    await expect(stat(dirname(dirname(dirname(path))))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('keeps a blob that it made good for an earlier image, though it fails itself', async () => {
    const path = fresh()
    await writeLayout(path, [{ source: image, names: ['a:1'] }])
    const [shared] = image.manifests
    if (shared === undefined) throw new Error('no manifest')
    await writeFile(blobPath(path, shared.digest), Buffer.alloc(shared.size))
    const lie = image.keep(Buffer.from('lie'), mediaTypes.octets)
    spoil(image, lie)
    const made = image.blobs.get(shared.digest)
    const lying = image.blobs.get(lie.digest)
    if (made === undefined || lying === undefined) throw new Error('no blob')
    const good = await readBlob(made)
    // It is found out when the other has been made good: they are brought side by side.
    const late = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      await expect
        .poll(() => readFile(blobPath(path, shared.digest)), { timeout: 30_000 })
        .toEqual(good)
      yield* lying.open()
    }
    image.blobs.set(lie.digest, { ...lying, open: () => Readable.from(late()) })
    const index = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [shared, lie],
    } as const
    const bad = rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image)
    await expect(writeLayout(path, [{ source: bad, names: ['b:1'] }])).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
    })
    expect((await validateImage(pickImage(await openLayout(path), 'a:1'))).findings).toEqual([])
    image.blobs.delete(bad.root.digest)
    image.blobs.delete(lie.digest)
  })

  it('does not touch what the next writer makes when it fails', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const path = fresh()
      const bad = await testImage(['linux/386'])
      const [manifest] = bad.manifests
      if (manifest === undefined) throw new Error('no manifest')
      bad.blobs.delete(manifest.digest)
      const [failed, written] = await Promise.allSettled([
        writeLayout(path, [{ source: bad, names: ['a:1'] }]),
        writeLayout(path, [{ source: image, names: ['b:1'] }]),
      ])
      expect([failed.status, written.status]).toEqual(['rejected', 'fulfilled'])
      expect((await validateImage(pickImage(await openLayout(path), undefined))).findings).toEqual(
        [],
      )
      expect(await blobsOf(path)).toHaveLength(image.blobs.size)
    }
  })

  it('follows no link in the place of a folder of blobs, and takes no file for a folder', async () => {
    const path = fresh()
    const elsewhere = join(folder, 'elsewhere')
    await mkdir(elsewhere, { recursive: true })
    await mkdir(path, { recursive: true })
    await symlink(elsewhere, join(path, 'blobs'))
    const images = [{ source: image, names: ['a:1'] }]
    await expect(writeLayout(path, images)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
    expect(await readdir(elsewhere)).toEqual([])
    await writeFile(join(folder, 'file'), '')
    for (const taken of [join(folder, 'file'), join(folder, 'file', 'oci')]) {
      await expect(writeLayout(taken, images)).rejects.toMatchObject({ code: 'PATH_TAKEN' })
    }
  })

  it('takes no folder that holds something else', async () => {
    const path = fresh()
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'thesis.txt'), 'mine')
    await expect(writeLayout(path, [{ source: image, names: ['a:1'] }])).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
    })
    expect(await readdir(path)).toEqual(['thesis.txt'])
  })

  it('refuses two images under one name', async () => {
    const images = [
      { source: image, names: ['a:1'] },
      { source: other, names: ['docker.io/library/a:1'] },
    ]
    await expect(writeLayout(fresh(), images)).rejects.toMatchObject({ code: 'NAME_TAKEN' })
  })

  it('lets several writers at once into one layout', async () => {
    const path = fresh()
    await Promise.all(
      ['a:1', 'b:1', 'c:1', 'd:1'].map((name, at) =>
        writeLayout(path, [{ source: at % 2 === 0 ? image : other, names: [name] }]),
      ),
    )
    expect((await openLayout(path)).index.manifests).toHaveLength(4)
    expect(
      (await validateImage(pickImage(await openLayout(path), undefined, true))).findings,
    ).toEqual([])
  })
})
