import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Blob, blobFromBytes } from '../blob/blob.ts'
import { digestOf } from '../documents/digest.ts'
import type { Entry } from './entry.ts'
import { tarBytes } from './pack.ts'

const run = promisify(execFile)
const hasPython = spawnSync('python3', ['--version']).status === 0
const environment = { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' }

const file = (path: string, text: string, more: Partial<Entry> = {}): Entry =>
  ({ type: 'file', path, content: blobFromBytes(Buffer.from(text), 'x/y'), ...more }) as Entry
const pack = (entries: readonly Entry[], mtime = 0): Promise<Buffer> =>
  buffer(Readable.from(tarBytes(entries, { mtime })))
const nameOf = (length: number): string => `${'abcdefghi/'.repeat(30).slice(0, length - 1)}x`

describe('a tar that others read', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orch-tar-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function archived(entries: readonly Entry[], mtime = 0): Promise<string> {
    const path = join(folder, 'test.tar')
    await writeFile(path, await pack(entries, mtime))
    return path
  }

  async function listed(entries: readonly Entry[], mtime = 0): Promise<string[]> {
    const args = ['--numeric-owner', '--full-time', '--quoting-style=literal', '-tvf']
    const { stdout, stderr } = await run('tar', [...args, await archived(entries, mtime)], {
      env: environment,
    })
    expect(stderr).toBe('')
    return stdout
      .trimEnd()
      .split('\n')
      .map(line => line.replace(/ +/g, ' '))
  }

  it('holds files, folders and links with their modes, owners and times', async () => {
    expect(
      await listed(
        [
          file('bin/app', 'hello', { mode: 0o4755, uid: 65532, gid: 7 }),
          file('empty', ''),
          file('secret', 'x', { mode: 0 }),
          file('unspecified', 'x'),
          { type: 'directory', path: 'tmp', mode: 0o1777 },
          { type: 'directory', path: 'unspecified.d' },
          { type: 'directory', path: 'closed', mode: 0 },
          { type: 'symlink', path: 'etc/link', target: '../a b' },
          file('dated', 'x', { mtime: 1 }),
        ],
        1_700_000_000,
      ),
    ).toEqual([
      '-rwsr-xr-x 65532/7 5 2023-11-14 22:13:20 bin/app',
      '-rw-r--r-- 0/0 0 2023-11-14 22:13:20 empty',
      '---------- 0/0 1 2023-11-14 22:13:20 secret',
      '-rw-r--r-- 0/0 1 2023-11-14 22:13:20 unspecified',
      'drwxrwxrwt 0/0 0 2023-11-14 22:13:20 tmp',
      'drwxr-xr-x 0/0 0 2023-11-14 22:13:20 unspecified.d',
      'd--------- 0/0 0 2023-11-14 22:13:20 closed',
      'lrwxrwxrwx 0/0 0 2023-11-14 22:13:20 etc/link -> ../a b',
      '-rw-r--r-- 0/0 1 1970-01-01 00:00:01 dated',
    ])
  })

  it.each([1, 99, 100, 101, 155, 156, 200, 254, 255, 256, 257, 300])(
    'holds a path and a target of %i bytes',
    async length => {
      const name = nameOf(length)
      expect(await listed([file(name, 'x'), { type: 'symlink', path: 'l', target: name }])).toEqual(
        [
          `-rw-r--r-- 0/0 1 1970-01-01 00:00:00 ${name}`,
          `lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 l -> ${name}`,
        ],
      )
    },
  )

  it.each([
    [155, 100],
    [156, 100],
    [155, 101],
    [50, 101],
    [99, 1],
    [1, 100],
  ])('holds a path of %i bytes, a slash and %i bytes', async (above, below) => {
    const path = `${'a'.repeat(above)}/${'b'.repeat(below)}`
    expect(await listed([file(path, 'x')])).toEqual([
      `-rw-r--r-- 0/0 1 1970-01-01 00:00:00 ${path}`,
    ])
  })

  it('holds long names without a slash, and names that are not ASCII', async () => {
    const long = 'n'.repeat(240)
    const entries: Entry[] = [
      file(long, 'x'),
      file('gr\u00fc\u00dfe/\u{1f600}', 'x'),
      { type: 'directory', path: '\u65e5\u672c' },
      { type: 'symlink', path: 'l', target: '/\u65e5\u672c/\u00fc' },
    ]
    const names = (await listed(entries)).map(line => line.split('00:00:00 ')[1])
    expect(names).toEqual([
      long,
      'gr\u00fc\u00dfe/\u{1f600}',
      '\u65e5\u672c',
      'l -> /\u65e5\u672c/\u00fc',
    ])
  })

  it('holds owners and times of any size', async () => {
    const big = { uid: 4_294_967_294, gid: 2_097_152 }
    const [limit, owner, late, beyond] = await listed([
      file('a', '', { uid: 2_097_151, gid: 2_097_151 }),
      file('b', '', big),
      file('c', '', { mtime: 4_102_444_800 }),
      file('d', '', { mtime: 0o77_777_777_777 + 1 }),
    ])
    expect(limit).toContain(' 2097151/2097151 ')
    expect(owner).toContain(' 4294967294/2097152 ')
    expect(late).toContain(' 2100-01-01 00:00:00 ')
    expect(beyond).toContain(' 2242-03-16 12:56:32 ')
  })

  it('is unpacked to the same contents, links and modes', async () => {
    const target = join(folder, 'out')
    const long = nameOf(257)
    const text = 'y'.repeat(100_000)
    const path = await archived([
      { type: 'directory', path: 'd', mode: 0o750 },
      file(`d/${long}`, text, { mode: 0o640 }),
      file('d/\u00fc', 'umlaut'),
    ])
    await run('mkdir', [target])
    await run('tar', ['--no-same-owner', '-xpf', path, '-C', target])
    expect((await stat(join(target, 'd'))).mode & 0o7777).toBe(0o750)
    expect(await readFile(join(target, 'd', long), 'utf8')).toBe(text)
    expect(await readFile(join(target, 'd/\u00fc'), 'utf8')).toBe('umlaut')
  })

  it.skipIf(!hasPython)('is read the same by Python, PAX records included', async () => {
    const path = await archived([
      file('a', '12', { pax: { 'MSWINDOWS.rawsd': 'AQAA', b: '\u00fc\nx=y' }, uid: 3_000_000 }),
      file(nameOf(300), 'x'.repeat(513)),
    ])
    const script =
      'import tarfile,json,sys\nprint(json.dumps([[m.name,m.size,m.uid,m.mode,m.pax_headers] for m in tarfile.open(sys.argv[1])]))'
    const { stdout } = await run('python3', ['-c', script, path])
    const pax = { 'MSWINDOWS.rawsd': 'AQAA', b: '\u00fc\nx=y', path: 'a', uid: '3000000' }
    expect(JSON.parse(stdout)).toEqual([
      ['a', 2, 3_000_000, 0o644, pax],
      [nameOf(300), 513, 0, 0o644, { path: nameOf(300) }],
    ])
  })

  function endless(this: Readable): void {
    this.push(Buffer.alloc(4096))
  }

  it('says the size of a file beyond 8 GiB', async () => {
    for (const size of [0o77_777_777_777, 0o77_777_777_777 + 1, 2 ** 40]) {
      const content: Blob = {
        descriptor: { mediaType: 'x/y', digest: digestOf('x'), size },
        open: () => new Readable({ read: endless }),
      }
      let start = Buffer.alloc(0)
      for await (const chunk of tarBytes([{ type: 'file', path: 'huge', content }])) {
        start = Buffer.concat([start, chunk])
        if (start.byteLength > 4096) break // the rest would take too long
      }
      const extract = tar.extract()
      const seen = new Promise(resolve => extract.on('entry', resolve))
      extract.on('error', () => {}) // the content never comes
      extract.write(start)
      expect(await seen).toMatchObject({ name: 'huge', size })
      extract.destroy()
    }
  })

  it('is the empty tar for no entries, as GNU tar writes it', async () => {
    const empty = execFileSync('tar', ['-b', '2', '-cf', '-', '-T', '/dev/null'])
    expect(await pack([])).toEqual(empty)
  })
})
