import { execFileSync, spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type CompiledContext, createHooks, type Layer, type LayerRequest } from '@orch/core'
import * as oci from '@orch/oci'
import { blobFromBytes, type Entry, layerStream, parsePlatform } from '@orch/oci'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { files } from './index.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'orch-files-'))
  await mkdir(join(root, 'project'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** Writes files of the project; a name that ends in `!` is executable. */
async function project(contents: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(contents)) {
    const path = join(root, 'project', name.replace(/!$/, ''))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    await chmod(path, name.endsWith('!') ? 0o700 : 0o600)
  }
}

interface Built {
  readonly request: LayerRequest
  /** `mode owner path [-> target]`, as tar lists them. */
  readonly listing: readonly string[]
}

/** Runs the plugin's tap as a build does, packs the layer, and lets tar list it. */
async function build(
  items: unknown,
  { platform = 'linux/amd64', allow = [] as string[] } = {},
): Promise<Built | undefined> {
  const checked = await schema()['~standard'].validate(items)
  if (checked.issues !== undefined) throw new Error(checked.issues.map(i => i.message).join('; '))
  const tar = join(root, 'layer.tar')
  let request: LayerRequest | undefined
  const context = {
    plan: { root: join(root, 'project') },
    image: { name: 'api', extensions: { files: checked.value } },
    platform: parsePlatform(platform),
    epoch: 1_700_000_000,
    signal: new AbortController().signal,
    allow: new Set(allow),
    async layer(entries: readonly Entry[], asked: LayerRequest): Promise<Layer> {
      const stream = layerStream(entries, { compression: { type: 'none' } })
      await pipeline(Readable.from(stream.bytes), createWriteStream(tar))
      request = asked
      const blob = blobFromBytes(new Uint8Array(), stream.mediaType)
      return { descriptor: blob.descriptor, diffId: stream.diffId(), blob, from: asked.from }
    },
  } as unknown as CompiledContext
  const hooks = createHooks()
  files().setup({ hooks, root, settings: { values: {}, root }, oci })
  const layers = await hooks.layer.promise([], context)
  if (request === undefined) return undefined
  expect(layers).toHaveLength(1)
  const lines = execFileSync('tar', ['--numeric-owner', '-tvf', tar], { encoding: 'utf8' })
  const listing = lines
    .trim()
    .split('\n')
    .map(line => line.split(/\s+/))
    .map(([mode, owner, , , , ...path]) => `${mode} ${owner} ${path.join(' ')}`)
  return { request, listing }
}

function schema(): NonNullable<ReturnType<typeof files>['imageKeys']>[string] {
  const found = files().imageKeys?.['files']
  if (found === undefined) throw new Error('the plugin has no key files')
  return found
}

const contentOf = (path: string): string =>
  execFileSync('tar', ['-xOf', join(root, 'layer.tar'), path], { encoding: 'utf8' })

describe('a layer of files', () => {
  it('holds a file, its mode from its executable bit, whatever the umask was', async () => {
    await project({ 'run.sh!': '#!/bin/sh\n', 'app.yaml': 'a: 1\n' })
    const built = await build([
      { from: 'run.sh', to: '/usr/bin/run' },
      { from: './app.yaml', to: '/etc/app.yaml' },
    ])
    expect(built?.listing).toEqual(['-rw-r--r-- 0/0 etc/app.yaml', '-rwxr-xr-x 0/0 usr/bin/run'])
    expect(contentOf('etc/app.yaml')).toBe('a: 1\n')
    expect(built?.request).toEqual({
      from: 'files',
      history: {
        created_by: 'orch files /usr/bin/run /etc/app.yaml',
      },
    })
  })

  it('takes mode and owner from the project file', async () => {
    await project({ key: 'secret' })
    const built = await build([
      { from: 'key', to: '/key', mode: '0400', owner: '65532:7' },
      { dir: true, to: '/data/', mode: '1777', owner: '3000000:1' },
    ])
    expect(built?.listing).toEqual(['drwxrwxrwt 3000000/1 data', '-r-------- 65532/7 key'])
  })

  it('copies a folder with everything in it, links kept', async () => {
    await project({ 'web/index.html': 'hi', 'web/js/app.js': '1', 'web/bin/x!': '' })
    await symlink('../index.html', join(root, 'project/web/js/home'))
    await symlink('not-there', join(root, 'project/web/later'))
    await mkdir(join(root, 'project/web/empty'))
    const built = await build([{ from: 'web', to: '/srv/www', owner: '5:6' }])
    expect(built?.listing).toEqual([
      'drwxr-xr-x 5/6 srv/www',
      'drwxr-xr-x 5/6 srv/www/bin',
      '-rwxr-xr-x 5/6 srv/www/bin/x',
      'drwxr-xr-x 5/6 srv/www/empty',
      '-rw-r--r-- 5/6 srv/www/index.html',
      'drwxr-xr-x 5/6 srv/www/js',
      '-rw-r--r-- 5/6 srv/www/js/app.js',
      'lrwxrwxrwx 5/6 srv/www/js/home -> ../index.html',
      'lrwxrwxrwx 5/6 srv/www/later -> not-there',
    ])
  })

  it('copies a folder onto the root, without touching the root itself', async () => {
    await project({ 'rootfs/etc/motd': 'hello' })
    const built = await build([{ from: 'rootfs', to: '/' }])
    expect(built?.listing).toEqual(['drwxr-xr-x 0/0 etc', '-rw-r--r-- 0/0 etc/motd'])
  })

  it('lets several items fill one directory; a directory that was asked for keeps its mode', async () => {
    await project({ 'a/one': '1', 'b/two': '2' })
    const built = await build([
      { dir: true, to: '/app', mode: '0700', owner: '9:9' },
      { from: 'a', to: '/app' },
      { from: 'b', to: '/app' },
      { link: '/app/one', to: '/current' },
    ])
    expect(built?.listing).toEqual([
      'drwx------ 9/9 app',
      '-rw-r--r-- 0/0 app/one',
      '-rw-r--r-- 0/0 app/two',
      'lrwxrwxrwx 0/0 current -> /app/one',
    ])
  })

  it('lies below Files on Windows', async () => {
    await project({ conf: 'c' })
    const built = await build([{ from: 'conf', to: '/app/conf' }], { platform: 'windows/amd64' })
    expect(built?.listing).toEqual([
      'drwxr-xr-x 0/0 Files',
      '-rw-r--r-- 0/0 Files/app/conf',
      'drwxr-xr-x 0/0 Hives',
    ])
  })

  it('is not made when there is nothing to put in', async () => {
    await mkdir(join(root, 'project/empty'))
    expect(await build([])).toBeUndefined()
    expect(await build([{ from: 'empty', to: '/' }])).toBeUndefined()
  })
})

describe('what cannot be copied', () => {
  const refused = (code: string, message: string): unknown =>
    expect.objectContaining({ code, message: expect.stringContaining(message) })

  it('says which item names what is missing', async () => {
    await project({ here: '' })
    const items = [
      { from: 'here', to: '/here' },
      { from: 'gone.txt', to: '/x' },
    ]
    await expect(build(items)).rejects.toEqual(
      refused('FILES_MISSING', 'image api, files[1] (from gone.txt) does not exist'),
    )
  })

  it('refuses what lies outside the project, symlinks followed, unless the operator allows it', async () => {
    await writeFile(join(root, 'secret'), 'secret')
    await symlink('../secret', join(root, 'project/innocent'))
    for (const from of ['../secret', join(root, 'secret'), 'innocent', '..', '../gone']) {
      const built = build([{ from, to: '/x' }])
      await expect(built).rejects.toEqual(refused('FILES_OUTSIDE', `files[0] (from ${from})`))
    }
    await build([{ from: '../secret', to: '/x' }], { allow: ['files-outside'] })
    expect(contentOf('x')).toBe('secret')
  })

  it.each([
    ['an absolute link', '/etc/passwd'],
    ['a link upwards', '../../secret'],
    ['a link that goes up through another link', 'top/../secret'],
  ])('refuses %s', async (_, target) => {
    await project({ 'web/a/file': '', secret: 'secret' })
    await symlink('..', join(root, 'project/web/a/top'))
    await symlink(target, join(root, 'project/web/a/link'))
    await expect(build([{ from: 'web', to: '/web' }])).rejects.toEqual(
      refused('FILES_LINK_ESCAPES', `links to ${target}`),
    )
  })

  it('refuses names that are not UTF-8, and says which', async () => {
    const name = Buffer.from('caf\xe9\n.txt', 'latin1')
    await project({ 'web/sub/index.html': '', 'links/index.html': '' })
    const web = join(root, 'project/web/sub')
    await writeFile(Buffer.concat([Buffer.from(`${web}/`), name]), '')
    await expect(build([{ from: 'web', to: '/web' }])).rejects.toEqual(
      refused(
        'FILES_NAME_INVALID',
        `the folder ${web} holds a name that is not UTF-8: caf\\xe9\\x0a.txt`,
      ),
    )
    const link = join(root, 'project/links/old')
    await symlink(name, link)
    await expect(build([{ from: 'links', to: '/links' }])).rejects.toEqual(
      refused('FILES_NAME_INVALID', `${link} links to a name that is not UTF-8: caf\\xe9`),
    )
  })

  it('copies names of any script as they are, a byte order mark too', async () => {
    await project({ 'web/\ufeffžluťoučký.txt': 'kůň' })
    await build([{ from: 'web', to: '/' }])
    expect(contentOf('\ufeffžluťoučký.txt')).toBe('kůň')
  })

  it('refuses a named pipe', async () => {
    await project({ 'web/file': '' })
    spawnSync('mkfifo', [join(root, 'project/web/pipe')])
    await expect(build([{ from: 'web', to: '/web' }])).rejects.toEqual(
      refused('FILES_SPECIAL', 'web/pipe'),
    )
    await expect(build([{ from: 'web/pipe', to: '/pipe' }])).rejects.toEqual(
      refused('FILES_SPECIAL', 'web/pipe'),
    )
  })

  it('refuses two things at one path, and a thing below a file', async () => {
    await project({ a: '', b: '' })
    const twice = [
      { from: 'a', to: '/x' },
      { link: 'y', to: '//x' },
    ]
    await expect(build(twice)).rejects.toEqual(
      refused('FILES_CONFLICT', 'files[0] and image api, files[1] both put something at /x'),
    )
    const below = [
      { from: 'b', to: '/x/y' },
      { from: 'a', to: '/x' },
    ]
    await expect(build(below)).rejects.toEqual(refused('FILES_CONFLICT', '/x/y lies below /x'))
  })

  it('refuses the root, and a folder as the path of a file', async () => {
    await project({ a: '' })
    for (const item of [
      { from: 'a', to: '/' },
      { from: 'a', to: '/etc/' },
      { dir: true, to: '/.' },
    ])
      await expect(build([item])).rejects.toEqual(refused('FILES_DESTINATION', 'files[0]'))
  })
})

describe('the key files', () => {
  it.each([
    [{ to: '/x' }, 'exactly one of from, link and dir'],
    [{ from: 'a', link: 'b', to: '/x' }, 'exactly one of from, link and dir'],
    [{ from: 'a', to: 'etc/x' }, 'absolute path'],
    [{ from: 'a', to: '/etc/../x' }, '..'],
    [{ from: 'a', to: '/x', mode: 755 }, 'in quotes'],
    [{ from: 'a', to: '/x', mode: '0999' }, 'octal'],
    [{ from: 'a', to: '/x', owner: 'root:root' }, 'numbers'],
    [{ from: 'a', to: '/x', owner: '4294967295:0' }, 'must not go above'],
    [{ link: 'a', to: '/x', mode: '0644' }, 'does not go with link'],
    [{ from: 'a', to: '/x', chown: '0:0' }, 'chown'],
  ])('refuses %j', async (item, message) => {
    await expect(build([item])).rejects.toThrow(message)
  })
})
