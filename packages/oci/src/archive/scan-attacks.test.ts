import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ArchiveMember, scanArchive } from './scan.ts'
import { endMarker, gnuMagic, longEntry, paxEntry, type RawEntry, rawTar } from './test-tar.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-scan-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
async function scan(bytes: Uint8Array): Promise<ReadonlyMap<string, ArchiveMember>> {
  const path = join(folder, `${count++}.tar`)
  await writeFile(path, bytes)
  return await scanArchive(path)
}

/** The names found in entries, and an end marker. */
async function names(...entries: readonly RawEntry[]): Promise<readonly string[]> {
  return [...(await scan(Buffer.concat([rawTar(...entries), endMarker]))).keys()]
}

const file: RawEntry = { name: 'a', content: 'x' }
const hidden = rawTar({ name: 'index.json', content: '{}' })

describe('entries that readers of tars take in different ways are refused:', () => {
  it.each<[string, readonly RawEntry[], string]>([
    [
      'entries in the content of a symbolic link',
      [{ name: 'a', type: '2', link: 'b', content: hidden }],
      'the entry "a", which is a symlink with content',
    ],
    [
      'entries in the content of a hard link',
      [{ name: 'a', type: '1', link: 'b', content: hidden }],
      'the entry "a", which is a link with content',
    ],
    [
      'a link whose records take its size back',
      [paxEntry([['size', '0']]), { name: 'a', type: '2', link: 'b', content: hidden }],
      'the entry "a", which is a symlink with content',
    ],
    [
      'a directory with content',
      [{ name: 'd/', type: '5', content: hidden }],
      'the entry "d/", which is a directory with content',
    ],
    [
      'a directory by its name alone, with content',
      [{ name: 'd/', type: '\0', magic: '', content: hidden }],
      'the entry "d/", which is a directory with content',
    ],
    [
      'a file named like a directory',
      [{ name: 'd/', content: 'x' }],
      'the entry "d/", which is a file named like a directory',
    ],
    [
      'GNU sparse records that name another file',
      [
        paxEntry([
          ['GNU.sparse.major', '1'],
          ['GNU.sparse.minor', '0'],
          ['GNU.sparse.name', 'index.json'],
        ]),
        file,
      ],
      'the entry "a", which is a sparse file',
    ],
    [
      'GNU sparse records of any kind',
      [paxEntry([['GNU.sparse.realsize', '9']]), file],
      'the entry "a", which is a sparse file',
    ],
    ['an old sparse file', [{ ...file, type: 'S', magic: gnuMagic }], 'which is a sparse file'],
    ['a contiguous file', [{ ...file, type: '7' }], 'which is a contiguous file'],
    ['a device', [{ name: 'a', type: '4' }], 'which is a block device'],
    ['a type that is not known', [{ ...file, type: 'Z' }], 'which has the unknown type "Z"'],
    ['a name for all entries', [paxEntry([['path', 'b']], 'g'), file], 'every entry one name'],
    ['a size for all entries', [paxEntry([['size', '1']], 'g'), file], 'every entry one name or'],
    [
      'sparse records for all entries',
      [paxEntry([['GNU.sparse.name', 'b']], 'g'), file],
      'every entry one name',
    ],
    ['two long names', [longEntry('L', 'b'), longEntry('L', 'c'), file], 'do not belong together'],
    ['two sets of records', [paxEntry([]), paxEntry([]), file], 'do not belong together'],
    [
      'a long name and records with a name',
      [longEntry('L', 'b'), paxEntry([['path', 'c']]), file],
      'do not belong together',
    ],
    [
      'records for a long name',
      [paxEntry([['size', '1']]), longEntry('L', 'b'), file],
      'do not belong together',
    ],
    [
      'a global header between a name and its entry',
      [longEntry('L', 'b'), paxEntry([], 'g'), file],
      'do not belong together',
    ],
    ['a long name of nothing', [longEntry('L', 'b')], 'ends after an extended header'],
    ['an empty long name', [longEntry('L', ''), file], 'the long name "\\u0000", which is none'],
    [
      'more after a long name',
      [longEntry('L', 'b\0c'), file],
      'the long name "b\\u0000c\\u0000", which is none',
    ],
    ['a name that is not UTF-8', [{ ...file, name: '\xff' }], 'which is not UTF-8'],
    ['a star tar', [{ ...file, over: [[508, 'tar\0']] }], 'neither POSIX nor GNU'],
    ['an unknown ustar', [{ ...file, magic: 'ustar  1' }], 'neither POSIX nor GNU'],
    [
      'a prefix in a GNU tar',
      [{ ...file, magic: gnuMagic, prefix: 'blobs' }],
      'the entry "a", which has more than a name in a format without prefixes',
    ],
    [
      'a prefix in a V7 tar',
      [{ ...file, magic: '', prefix: 'blobs' }],
      'the entry "a", which has more than a name in a format without prefixes',
    ],
  ])('%s', async (_, entries, message) => {
    await expect(names(...entries)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining(message),
    })
  })
})

describe('sizes', () => {
  it.each<[string, Partial<RawEntry>]>([
    ['base-256 with other bits than the sign', { size: `\x81${'\0'.repeat(10)}\x01` }],
    ['negative', { size: '\xff'.repeat(12) }],
    ['larger than any file', { size: `\x80${'\xff'.repeat(11)}` }],
    ['more than the file has', { size: '00000003001\0' }],
    ['no octal digits', { size: '00000000009\0' }],
    ['digits that end twice', { size: '0000001\x0000001' }],
  ])('%s are refused', async (_, entry) => {
    await expect(names({ ...file, ...entry })).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
  })

  it.each(['3zz', '-1', '+3', ' 3', '', '0x3', '3.0', '9007199254740992'])(
    '%j in a record are refused',
    async size => {
      const refused = names(paxEntry([['size', size]]), { name: 'a', content: 'abc' })
      await expect(refused).rejects.toThrow('malformed at the key "size"')
    },
  )

  it('are read in every way that they are written', async () => {
    const content = 'abc'
    const found = await scan(
      rawTar(
        { name: 'octal', size: '          3 ', content },
        { name: 'binary', size: `\x80${'\0'.repeat(10)}\x03`, magic: gnuMagic, content },
        paxEntry([['size', '3']]),
        { name: 'pax', size: '00000000000\0', content },
      ),
    )
    expect([...found].map(([name, { offset, size }]) => [name, offset, size])).toEqual([
      ['octal', 512, 3],
      ['binary', 1536, 3],
      ['pax', 3584, 3],
    ])
  })
})
