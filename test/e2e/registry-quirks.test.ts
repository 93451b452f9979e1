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

/** Pushes an image with something that refers to it, and reads all of it. */
async function roundTrip({ registry, client, repository }: Setting): Promise<void> {
  const config = blobOf(100)
  const layer = blobOf(2 * MiB)
  await Promise.all([config, layer].map(blob => repository.push(blob)))
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
  expect(['mounted', 'sent']).toContain(await other.push(layer))
  expect(await other.has(descriptor.digest)).toBe(true)
  // A Location that is good for one request cannot end what that request began.
  if (registry.quirks.singleUse !== true) expect(registry.uploads.size).toBe(0)
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
  })

  it('takes and gives an image in chunks, where that goes', async () => {
    await using own = await setting({ ...quirk, minChunk: 600_000 }, MiB / 2)
    await roundTrip(own)
  })

  it('takes and gives an image although connections break off', async () => {
    await using own = await setting(quirk)
    own.registry.fail({ method: 'PUT', path: '/blobs/uploads/' }, { cutUp: 300_000 })
    own.registry.fail({ method: 'GET', path: '/blobs/sha256:' }, { cutDown: 500_000 })
    await roundTrip(own)
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
    await expect.poll(() => own.registry.requests.at(-1)?.sent ?? 0).toBeLessThan(16 * MiB)
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
