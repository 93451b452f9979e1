import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import type { BuildContext } from '@orch/core'
import {
  type Blob,
  blobFromBytes,
  type Descriptor,
  digestOf,
  formatPlatform,
  mediaTypes,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parsePlatform,
  readBlob,
  selectPlatform,
} from '@orch/oci'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type BaseContext, staticImage } from './image.ts'
import { caCertificates } from './snapshot/ca-certificates.ts'
import { versions } from './snapshot/versions.ts'

/** A store in memory that remembers actions, and counts those that ran. */
function memory(): BaseContext & { ran: () => number } {
  const actions = new Map<string, readonly Blob[]>()
  const added: Blob[] = []
  const store = {
    async add(bytes: AsyncIterable<Uint8Array>, mediaType: string): Promise<Blob> {
      const chunks: Uint8Array[] = []
      for await (const chunk of bytes) chunks.push(chunk)
      added.push(blobFromBytes(Buffer.concat(chunks), mediaType))
      return added[added.length - 1] as Blob
    },
  }
  return {
    signal: new AbortController().signal,
    store: store as unknown as BuildContext['store'],
    async action(action, run) {
      const key = JSON.stringify(action)
      const hit = actions.has(key)
      if (!hit) {
        const { blobs } = await run()
        actions.set(
          key,
          added.filter(blob => blobs.some(item => item.digest === blob.descriptor.digest)),
        )
      }
      const held = actions.get(key) ?? []
      return { key, hit, held, blobs: held.map(blob => blob.descriptor), data: null }
    },
    ran: () => actions.size,
  }
}

const context = memory()
const image = staticImage(context)
const read = async (descriptor: Descriptor): Promise<Uint8Array> =>
  readBlob(await image.content.blob(descriptor))

/** The manifest for a platform, its config and its layer's bytes. */
async function imageFor(platform: string): Promise<{
  config: ReturnType<typeof parseImageConfig>
  layers: readonly Descriptor[]
}> {
  const index = parseIndex(await read(image.root))
  const chosen = selectPlatform(parsePlatform(platform), index.manifests)
  if (chosen === undefined) throw new Error(`no manifest for ${platform}`)
  const { config, layers } = parseManifest(await read(chosen))
  return { config: parseImageConfig(await read(config)), layers }
}

describe('the index of the static base', () => {
  it('has the digest of this version of orch', () => {
    // A change here changes every image that is built on it: make it on purpose, and say so.
    expect(image.root.digest).toBe(
      'sha256:7025222bf4058de215c3209072d731adee39a83e5e28900d36806aa43c644b25',
    )
  })

  it('has one manifest with one layer for every platform, and configs that agree', async () => {
    const index = parseIndex(await read(image.root), 'static', mediaTypes.index)
    const names = index.manifests.map(item => formatPlatform(item.platform ?? parsePlatform('386')))
    expect(new Set(names).size).toBe(names.length)
    const layers = new Set<string>()
    for (const descriptor of index.manifests) {
      const manifest = parseManifest(await read(descriptor))
      expect(manifest.layers).toHaveLength(1)
      layers.add(manifest.layers[0]?.digest ?? '')
      const config = parseImageConfig(await read(manifest.config))
      const { os, architecture, variant } = config
      expect({ os, architecture, ...(variant && { variant }) }).toEqual(descriptor.platform)
      expect(config.rootfs.diff_ids).toHaveLength(1)
    }
    expect(layers.size).toBe(2)
  })

  const go = spawnSync('go', ['tool', 'dist', 'list'], { encoding: 'utf8' })
  it.skipIf(go.status !== 0)('has every platform of the installed Go', async () => {
    const index = parseIndex(await read(image.root))
    const missing = go.stdout
      .trim()
      .split('\n')
      .filter(name => selectPlatform(parsePlatform(name), index.manifests) === undefined)
    expect(missing).toEqual([])
    for (const variant of ['v5', 'v6', 'v7'])
      expect(selectPlatform(parsePlatform(`linux/arm/${variant}`), index.manifests)).toBeDefined()
  })

  it('starts as nonroot, with certificates and zones where programs look', async () => {
    const { config } = await imageFor('linux/amd64')
    expect(config.config).toEqual({
      User: '65532:65532',
      Env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
      ],
      WorkingDir: '/',
    })
    expect((await imageFor('windows/amd64')).config.config).toMatchObject({
      User: 'ContainerUser',
      Env: ['ZONEINFO=C:\\usr\\share\\zoneinfo'],
    })
  })

  it('refuses a blob that it does not have', async () => {
    const other = { ...image.root, digest: digestOf('other') }
    await expect(image.content.blob(other)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
  })
})

describe('the layers of the static base', () => {
  let folder = ''
  const at = (...path: string[]): string => join(folder, ...path)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orch-static-'))
    for (const [name, platform] of [
      ['unix', 'linux/amd64'],
      ['windows', 'windows/amd64'],
    ] as const) {
      const { config, layers } = await imageFor(platform)
      const bytes = await read(layers[0] as Descriptor)
      expect(digestOf(gunzipSync(bytes))).toBe(config.rootfs.diff_ids[0])
      await writeFile(at(`${name}.tgz`), bytes)
    }
    tar('-x', '--no-same-owner', '-z', '-f', at('unix.tgz'), '-C', folder)
    tar('-x', '--no-same-owner', '-z', '-f', at('windows.tgz'), '-C', folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  function tar(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync('tar', args, { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return stdout
  }

  /** `mode owner path` of everything that is not a time zone. */
  function listing(name: string): string[] {
    return tar('--numeric-owner', '-t', '-v', '-z', '-f', at(name))
      .trim()
      .split('\n')
      .filter(line => !line.includes('zoneinfo/'))
      .map(line => line.split(/\s+/))
      .map(([mode, owner, , , , ...path]) => `${mode} ${owner} ${path.join(' ')}`)
  }

  it('are made once, and only when they are asked for', async () => {
    const lazy = memory()
    const first = staticImage(lazy)
    await first.content.blob(first.root)
    expect(lazy.ran()).toBe(0)
    const [layer] = (await imageFor('linux/amd64')).layers
    await first.content.blob(layer as Descriptor)
    await staticImage(lazy).content.blob(layer as Descriptor)
    expect(lazy.ran()).toBe(1)
  })

  it('are refused when they come out as something else', async () => {
    vi.resetModules()
    const other = { digest: digestOf('other'), size: 5, diffId: digestOf('other') }
    vi.doMock('./snapshot/layers.ts', () => ({ layerFacts: { unix: other, windows: other } }))
    const changed = (await import('./image.ts')).staticImage(memory())
    vi.doUnmock('./snapshot/layers.ts')
    const layer = { mediaType: mediaTypes.layerGzip, digest: other.digest, size: 5 }
    await expect(changed.content.blob(layer)).rejects.toMatchObject({ code: 'STATIC_BASE_CHANGED' })
  })

  it('hold users, /tmp and certificates, each with its mode and owner', () => {
    expect(listing('unix.tgz')).toEqual([
      'drwxr-xr-x 0/0 etc',
      '-rw-r--r-- 0/0 etc/group',
      '-rw-r--r-- 0/0 etc/nsswitch.conf',
      '-rw-r--r-- 0/0 etc/passwd',
      'drwxr-xr-x 0/0 etc/ssl',
      'drwxr-xr-x 0/0 etc/ssl/certs',
      '-rw-r--r-- 0/0 etc/ssl/certs/ca-certificates.crt',
      'drwxr-xr-x 0/0 home',
      'drwx------ 65532/65532 home/nonroot',
      'drwx------ 0/0 root',
      'drwxrwxrwt 0/0 tmp',
      'drwxr-xr-x 0/0 usr',
      'drwxr-xr-x 0/0 usr/share',
      'drwxr-xr-x 0/0 usr/share/zoneinfo',
    ])
    expect(listing('windows.tgz').map(line => line.split(' ')[2])).toEqual([
      'Files',
      'Files/etc',
      'Files/etc/ssl',
      'Files/etc/ssl/certs',
      'Files/etc/ssl/certs/ca-certificates.crt',
      'Files/tmp',
      'Files/usr',
      'Files/usr/share',
      'Files/usr/share/zoneinfo',
      'Hives',
    ])
  })

  it('hold no link and no two names that differ only in case, for Windows', () => {
    const lines = tar('-t', '-v', '-z', '-f', at('windows.tgz')).trim().split('\n')
    expect(lines.filter(line => line.startsWith('l'))).toEqual([])
    expect(new Set(lines.map(line => line.toLowerCase())).size).toBe(lines.length)
  })

  it('hold certificates that each parse, are authorities, and are those of the snapshot', async () => {
    const pem = await readFile(at('etc/ssl/certs/ca-certificates.crt'), 'utf8')
    const certificates = pem.match(/-----BEGIN[^#]*?-----END CERTIFICATE-----\n/g) ?? []
    expect(certificates.join('')).toBe(pem)
    const parsed = certificates.map(text => new X509Certificate(text))
    expect(parsed).toHaveLength(versions.certificates)
    expect(parsed.filter(certificate => !certificate.ca).map(item => item.subject)).toEqual([])
    const described = [...caCertificates.matchAll(/^# .*; sha256 ([0-9a-f]{64})$/gm)]
    expect(described.map(([, fingerprint]) => fingerprint)).toEqual(
      parsed.map(item => item.fingerprint256.replaceAll(':', '').toLowerCase()),
    )
  })

  it.skipIf(process.versions.node !== versions.node)(
    'hold the certificates of Node itself and no other',
    () => {
      const own = (text: string): string[] =>
        (text.match(/-----BEGIN[^#]*?-----END CERTIFICATE-----/g) ?? []).sort()
      expect(own(caCertificates)).toEqual(own(rootCertificates.join('\n')))
    },
  )

  const openssl = spawnSync('openssl', ['version']).status === 0
  it.skipIf(!openssl)('hold certificates that openssl reads', () => {
    const file = at('etc/ssl/certs/ca-certificates.crt')
    const { stdout } = spawnSync('openssl', ['storeutl', '-noout', '-certs', file], {
      encoding: 'utf8',
    })
    expect(stdout).toContain(`Total found: ${versions.certificates}`)
  })

  it('hold time zones, their links resolved for Windows', async () => {
    const zone = (...path: string[]): Promise<Buffer> => readFile(at(...path))
    const berlin = await zone('usr/share/zoneinfo/Europe/Berlin')
    expect(berlin.toString('latin1', 0, 4)).toBe('TZif')
    expect(berlin.toString('latin1')).toMatch(/\nCET-1CEST,M3\.5\.0,M10\.5\.0\/3\n$/)
    const eastern = await zone('usr/share/zoneinfo/US/Eastern')
    expect(eastern).toEqual(await zone('usr/share/zoneinfo/America/New_York'))
    expect(eastern).toEqual(await zone('Files/usr/share/zoneinfo/US/Eastern'))
    expect((await zone('usr/share/zoneinfo/tzdata.zi')).toString()).toMatch(
      /^# version 20\d\d[a-z]/,
    )
  })

  it.skipIf(process.platform !== 'linux')('hold zones that the C library follows', () => {
    const env = {
      TZDIR: at('usr/share/zoneinfo'),
      TZ: 'US/Eastern',
      LC_ALL: 'C',
      PATH: '/usr/bin:/bin',
    }
    const { stdout } = spawnSync('date', ['-d', '@1700000000', '+%F %T %Z'], {
      encoding: 'utf8',
      env,
    })
    expect(stdout.trim()).toBe('2023-11-14 17:13:20 EST')
  })

  const debian = spawnSync('dpkg-query', ['--show', 'tzdata'], { encoding: 'utf8' })
  const same = debian.stdout?.trim().endsWith(`\t${versions.tzdata}`) === true
  it.skipIf(!same)('hold the bytes of the tzdata package', async () => {
    const names = tar('-t', '-z', '-f', at('unix.tgz'))
      .split('\n')
      .filter(name => name.startsWith('usr/share/zoneinfo/') && statSync(at(name)).isFile())
    expect(names.length).toBeGreaterThan(550)
    for (const name of names) expect(await readFile(at(name))).toEqual(await readFile(`/${name}`))
  })
})
