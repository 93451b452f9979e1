import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Blob, blobFromBytes, digestOf, encodeManifest, mediaTypes, readBlob } from '@orch/oci'
import { createRegistries, type Registries, type Repository } from '@orch/registry'
import { describe, expect, it } from 'vitest'
import { imitations, type Quirks } from '../kit/scripted/quirks.ts'
import { type ScriptedRegistry, startScriptedRegistry } from '../kit/scripted-registry.ts'
import { needs } from '../kit/services.ts'
import { account, startTokenServer } from '../kit/token-server.ts'

const MiB = 1024 * 1024

function blobOf(size: number): Blob {
  const bytes = randomBytes(size)
  return {
    ...blobFromBytes(bytes, mediaTypes.layer),
    open({ offset = 0 } = {}) {
      const pieces: Buffer[] = []
      for (let at = offset; at < size; at += 64 * 1024)
        pieces.push(bytes.subarray(at, Math.min(at + 64 * 1024, size)))
      return Readable.from(pieces, { objectMode: false })
    },
  }
}

interface Setting extends AsyncDisposable {
  readonly registry: ScriptedRegistry
  readonly client: Registries
  readonly repository: Repository
}

async function setting(quirks: Quirks, chunkBytes?: number): Promise<Setting> {
  const registry = await startScriptedRegistry(quirks)
  const hosts = chunkBytes === undefined ? {} : { [registry.host]: { chunkBytes } }
  const client = createRegistries({ env: {}, hosts })
  return {
    registry,
    client,
    repository: client.repository(registry.host, 'team/api'),
    [Symbol.asyncDispose]: () => client.close(),
  }
}

const layerSize = 2 * MiB

/** Pushes an image, its small config first, with something that refers to it, and reads all of it. */
async function roundTrip({ registry, client, repository }: Setting): Promise<void> {
  const config = blobOf(100)
  const layer = blobOf(layerSize)
  for (const blob of [config, layer]) expect(await repository.push(blob)).toBe('sent')
  const { descriptor } = layer
  const base = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: [descriptor],
  } as const
  const bytes = encodeManifest(base)
  const digest = await repository.put({ bytes, mediaType: mediaTypes.manifest }, ['dev', 'latest'])
  const subject = { mediaType: mediaTypes.manifest, digest, size: bytes.byteLength }
  const note = encodeManifest({ ...base, artifactType: 'application/vnd.example.note', subject })
  await repository.put({ bytes: note, mediaType: mediaTypes.manifest }, [])

  expect((await repository.resolve('dev'))?.descriptor).toEqual(subject)
  expect((await repository.document('latest')).descriptor).toEqual(subject)
  const pulled = await readBlob(repository.blob(descriptor), { maxBytes: descriptor.size })
  expect(digestOf(pulled)).toBe(descriptor.digest)
  expect(await repository.referrers(digest)).toMatchObject([
    { digest: digestOf(note), artifactType: 'application/vnd.example.note' },
  ])
  const tags: string[] = []
  for await (const tag of repository.tags()) tags.push(tag)
  expect(tags.filter(tag => !tag.startsWith('sha256-')).toSorted()).toEqual(['dev', 'latest'])

  const other = client.repository(registry.host, 'team/other')
  const isMounted = registry.quirks.mount === undefined || registry.quirks.mount === 'from-only'
  expect(await other.push(layer)).toBe(isMounted ? 'mounted' : 'sent')
  expect(await other.has(descriptor.digest)).toBe(true)
  // A Location that is good for one request cannot end what that request began.
  if (registry.quirks.singleUse !== true) expect(registry.uploads.size).toBe(0)
}

/** The bytes of each request of this method that sent some of a blob to the repository, as far as they were taken. */
function uploaded({ registry }: Setting, method: 'PATCH' | 'PUT'): readonly number[] {
  return registry.requests
    .filter(entry => entry.method === method && entry.path.includes('/team/api/blobs/uploads/'))
    .map(({ received }) => received)
}

const quirks: Readonly<Record<string, Quirks>> = {
  none: {},
  ...imitations,
  'PATCH 204, PUT 204': { patchStatus: 204, putStatus: 204 },
  'a relative Location with state': { location: 'relative', rawState: true },
  'a Location without its port': { location: 'portless', rawState: true },
  'a proxy that takes small bodies': { maxBody: MiB },
  'no digests': { noDigest: 'always' },
  'a mount that fails': { mount: 500 },
  'no referrers, ETags': { noReferrers: true, etags: true },
  'OCI-Subject without referrers': { noReferrers: true, announcesSubject: true },
  'pages of one': { pageSize: 1, links: 'absolute' },
}

describe.each(Object.entries(quirks))('a registry with the quirk %s', (_, quirk) => {
  it('takes and gives an image, whole', async () => {
    await using own = await setting(quirk)
    await roundTrip(own)
    if (quirk.maxBody !== undefined) return
    expect(uploaded(own, 'PUT')).toEqual([100, layerSize])
    expect(uploaded(own, 'PATCH')).toEqual([])
  })

  it('takes and gives an image in chunks, where that goes', async () => {
    const minChunk = 600_000
    await using own = await setting({ ...quirk, minChunk }, MiB / 2)
    await roundTrip(own)
    if (quirk.chunks === undefined) {
      const rest = layerSize - 3 * minChunk
      expect(uploaded(own, 'PATCH')).toEqual([minChunk, minChunk, minChunk, rest])
      expect(uploaded(own, 'PUT')).toEqual([100, 0])
    } else {
      expect(uploaded(own, 'PATCH').length).toBeGreaterThan(0)
      expect(uploaded(own, 'PUT').at(-1)).toBe(layerSize)
    }
  })

  it('takes and gives an image although connections break off', async () => {
    await using own = await setting(quirk)
    // The layer: after the config, or in chunks where its whole is refused unread.
    const large = quirk.maxBody === undefined ? { method: 'PUT', after: 1 } : { method: 'PATCH' }
    own.registry.fail({ ...large, path: '/blobs/uploads/' }, { cutUp: 300_000 })
    own.registry.fail({ method: 'GET', path: '/blobs/sha256:' }, { cutDown: 500_000 })
    await roundTrip(own)
    const { requests } = own.registry
    const cut = requests.filter(({ status }) => status === 0)
    expect(cut.map(({ method }) => method)).toEqual([large.method])
    const pulls = requests.filter(
      ({ method, path }) => method === 'GET' && /\/blobs\/sha256:/.test(path),
    )
    expect(pulls.length).toBeGreaterThan(1)
    expect(pulls.map(({ sent }) => sent)).toContain(500_000)
  })
})

describe('resuming a pull', () => {
  it.each(['ignored', 'wrong', 'refused'] as const)('where ranges are %s', async range => {
    await using own = await setting({ range })
    own.registry.fail({ method: 'GET', path: '/blobs/sha256:', times: 2 }, { cutDown: 700_000 })
    await roundTrip(own)
  })
})

needs('openssl')('a mount with tokens', () => {
  /** Pushes a blob into one repository and then into another, by a token server that reads scopes so. */
  async function mounted(reads: 'all' | 'first' | 'last', quirk: Quirks): Promise<string> {
    const tokens = await startTokenServer()
    tokens.settings.reads = reads
    const registry = await startScriptedRegistry({ door: tokens, ...quirk })
    const auths = { [registry.host]: { username: account.name, password: account.password } }
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) }
    const blob = blobOf(1000)
    const client = createRegistries({ env })
    await client.repository(registry.host, 'team/one').push(blob)
    const pushed = await client.repository(registry.host, 'team/two').push(blob)
    expect(await client.repository(registry.host, 'team/two').has(blob.descriptor.digest)).toBe(
      true,
    )
    expect(registry.uploads.size).toBe(0)
    await client.close()
    return pushed
  }

  it('goes where the token must allow to read the source (Docker Hub)', async () => {
    expect(await mounted('all', { mountNeedsPull: true })).toBe('mounted')
  })

  it('is given up for an upload where the token server reads one scope alone', async () => {
    expect(await mounted('first', { mountNeedsPull: true })).toBe('sent')
    expect(await mounted('last', {})).toBe('sent') // GitLab
  })

  it('goes where only the newest scope is read and the source is not asked about', async () => {
    expect(await mounted('first', {})).toBe('mounted')
  })
})

describe('what is found out', () => {
  it('about an error without end: its first part is enough', async () => {
    await using own = await setting({})
    const fault = { status: 400, endless: true }
    own.registry.fail({ method: 'PUT', path: '/manifests/', times: 9 }, fault)
    const bytes = encodeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: blobOf(1).descriptor,
      layers: [],
    })
    const put = own.repository.put({ bytes, mediaType: mediaTypes.manifest }, ['dev'])
    await expect(put).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
    const sent = (): number => own.registry.requests.at(-1)?.sent ?? 0
    await expect.poll(sent, { timeout: 30_000 }).toBeLessThan(16 * MiB)
  })

  it('that an upload cannot be ended changes nothing', async () => {
    await using own = await setting({ noStatus: true })
    own.registry.fail({ method: 'DELETE', path: '/uploads/', times: 9 }, { status: 500 })
    own.registry.fail({ method: 'PUT', path: '/uploads/' }, { cutUp: 300_000 })
    expect(await own.repository.push(blobOf(MiB))).toBe('sent')
    expect(own.registry.requests.map(({ method }) => method)).toContain('DELETE')
    expect(own.registry.uploads.size).toBe(1)
  })

  it.each([
    ['another digest', { headers: { 'docker-content-digest': digestOf('x') } }],
    ['another body', { body: 'x'.repeat(50), headers: { 'content-length': '50' } }],
  ])('about a manifest: %s', async (_, fault) => {
    await using own = await setting({})
    await roundTrip(own)
    own.registry.fail({ method: 'GET', path: '/manifests/dev', times: 9 }, fault)
    await expect(own.repository.document('dev')).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('that an upload ended when its push is aborted', async () => {
    await using own = await setting({})
    const controller = new AbortController()
    own.registry.fail(
      { method: 'PUT' },
      { first: () => controller.abort(new Error('enough')), delay: 100 },
    )
    const push = own.repository.push(blobOf(MiB), { signal: controller.signal })
    await expect(push).rejects.toThrow('enough')
    expect(own.registry.uploads.size).toBe(0)
  })

  it('that an upload ended when the whole run is', async () => {
    const registry = await startScriptedRegistry()
    const controller = new AbortController()
    const client = createRegistries({ env: {}, signal: controller.signal })
    const first = (): void => controller.abort(new Error('enough'))
    registry.fail({ method: 'PUT' }, { first, delay: 100 })
    const push = client.repository(registry.host, 'team/api').push(blobOf(MiB))
    await expect(push).rejects.toThrow('enough')
    expect(registry.uploads.size).toBe(0)
    await client.close()
  })
})
