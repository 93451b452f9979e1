import { execFileSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownerToName, thisProcess } from '../fs/owner.ts'
import { rootedAt, type TestImage, testImage } from '../graph/test-image.ts'
import { pickImage } from '../layout/pick.ts'
import { validateImage } from '../validate/validate.ts'
import { openArchive } from './read.ts'
import { archiveBytes, writeArchive } from './write.ts'

type Header = Partial<tar.Header> & { name: string }

let folder = ''
let image: TestImage
let single: TestImage
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-archive-test-'))
  image = await testImage()
  const one = await testImage(['linux/amd64'])
  const [manifest] = one.manifests
  if (manifest === undefined) throw new Error('no manifest')
  single = rootedAt(manifest, one)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
const fresh = (): string => join(folder, `${count++}.tar`)

/** A tar of the members given, as another tool might write it. */
async function tarOf(members: readonly (Header | [string, string])[]): Promise<string> {
  const path = fresh()
  const pack = tar.pack()
  for (const member of members) {
    if (Array.isArray(member)) pack.entry({ name: member[0] }, member[1])
    else pack.entry(member, '')
  }
  pack.finalize()
  await pipeline(pack as unknown as NodeJS.ReadableStream, createWriteStream(path))
  return path
}

describe('an OCI archive', () => {
  it.each(['none', 'gzip', 'zstd'] as const)(
    'reads back whole, compressed from outside with %s',
    async type => {
      const path = fresh()
      await writeArchive(path, [{ source: image, names: ['a:1', 'b:2'] }], {
        format: 'oci',
        compression: { type },
      })
      const archive = await openArchive(path)
      expect(archive.index.manifests).toHaveLength(2)
      const read = pickImage(archive, 'b:2')
      expect(read.root.digest).toBe(image.root.digest)
      expect(await validateImage(read)).toMatchObject({ findings: [], blobs: image.blobs.size })
      await archive.close()
    },
  )

  it('is the same bytes each time, and a tar that tar(1) lists', async () => {
    const bytes = async (): Promise<Buffer> => {
      const chunks: Uint8Array[] = []
      const named = [{ source: image, names: ['a:1'] }]
      for await (const chunk of archiveBytes(named, { format: 'oci' })) chunks.push(chunk)
      return Buffer.concat(chunks)
    }
    const first = await bytes()
    expect(first.equals(await bytes())).toBe(true)
    const listed = execFileSync('tar', ['tf', '-'], { input: first }).toString().split('\n')
    expect(listed.slice(0, 2)).toEqual(['oci-layout', 'index.json'])
  })

  it('leaves nothing when a blob is missing', async () => {
    const bad = await testImage(['linux/amd64'])
    const [layer] = [...bad.blobs.keys()]
    if (layer === undefined) throw new Error('no layer')
    bad.blobs.delete(layer)
    const path = join(folder, 'sub', 'x.tar')
    await expect(
      writeArchive(path, [{ source: bad, names: [] }], { format: 'oci' }),
    ).rejects.toMatchObject({
      code: 'BLOB_MISSING',
    })
    expect(await readdir(folder)).not.toContain('sub')
  })
})

describe('an archive on disk', () => {
  it('may be opened through a symbolic link', async () => {
    const path = fresh()
    await writeArchive(path, [{ source: image, names: ['a:1'] }], { format: 'oci' })
    const alias = fresh()
    await symlink(path, alias)
    const read = pickImage(await openArchive(alias), 'a:1')
    expect((await validateImage(read)).findings).toEqual([])
  })

  it('loses what a killed writer left beside it, and nothing else', async () => {
    const own = await mkdtemp(join(folder, 'own-'))
    const path = join(own, 'a.tar')
    const dead = ownerToName({ ...thisProcess(), pid: 1, start: 'long ago' })
    await writeFile(join(own, `.a.tar.orch-${dead}+00`), 'half')
    await writeFile(join(own, `.a.tar.orch-${ownerToName(thisProcess())}+00`), 'half')
    await writeFile(join(own, '.a.tar.orch-mine'), 'mine')
    await writeArchive(path, [{ source: image, names: ['a:1'] }], { format: 'oci' })
    expect((await readdir(own)).filter(name => !name.includes('+'))).toEqual([
      '.a.tar.orch-mine',
      'a.tar',
    ])
    expect(await readdir(own)).toHaveLength(3)
  })
})

describe('a docker archive', () => {
  it('reads back as an OCI image with the same config and layers', async () => {
    const path = fresh()
    await writeArchive(path, [{ source: single, names: ['team/a:1'] }], { format: 'docker' })
    const archive = await openArchive(path, { format: 'docker' })
    const read = pickImage(archive, 'team/a:1')
    expect(read.root.digest).toBe(single.root.digest)
    expect((await validateImage(read)).findings).toEqual([])
  })

  it('holds one platform', async () => {
    const write = writeArchive(fresh(), [{ source: image, names: ['a:1'] }], { format: 'docker' })
    await expect(write).rejects.toMatchObject({ code: 'ARCHIVE_SINGLE_PLATFORM' })
  })
})

describe('an archive that is refused', () => {
  it.each([
    [
      'a name that leaves the archive',
      [['../../etc/passwd', 'x']],
      '"../../etc/passwd", which leaves the archive',
    ],
    ['an absolute name', [['/etc/passwd', 'x']], '"/etc/passwd", which has an absolute name'],
    [
      'a name given twice',
      [
        ['a', 'x'],
        ['./a', 'y'],
      ],
      '"a", which is there twice',
    ],
    [
      'a device',
      [{ name: 'null', type: 'character-device' }],
      '"null", which is a character device',
    ],
    [
      'a link that leaves the archive',
      [{ name: 'a/b', type: 'symlink', linkname: '../../c' }],
      '"a/b", which leaves the archive',
    ],
    ['a tar without an image', [['README', 'x']], 'neither index.json nor manifest.json'],
  ] as [string, (Header | [string, string])[], string][])('%s', async (_, members, message) => {
    await expect(openArchive(await tarOf(members))).rejects.toThrow(message)
  })

  it('a truncated one', async () => {
    const path = fresh()
    await writeArchive(path, [{ source: image, names: ['a:1'] }], { format: 'oci' })
    await truncate(path, (await readFile(path)).byteLength - 3000)
    await expect(openArchive(path)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
  })

  it('a damaged compressed one, leaving no temporary file', async () => {
    const path = fresh()
    await writeArchive(path, [{ source: image, names: ['a:1'] }], {
      format: 'oci',
      compression: { type: 'gzip' },
    })
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, bytes.byteLength / 2))
    const before = (await readdir(tmpdir())).filter(name => name.startsWith('orch-archive-')).length
    await expect(openArchive(path)).rejects.toMatchObject({ code: 'COMPRESSION_INVALID' })
    expect((await readdir(tmpdir())).filter(name => name.startsWith('orch-archive-'))).toHaveLength(
      before,
    )
  })

  it('one that is not there, and a folder', async () => {
    await expect(openArchive(join(folder, 'absent'))).rejects.toMatchObject({
      code: 'ARCHIVE_MISSING',
    })
    await expect(openArchive(folder)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
  })
})
