import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  type Blob,
  blobFromBytes,
  type Descriptor,
  digestOf,
  digestParts,
  encodeManifest,
  mediaTypes,
  readBlob,
} from '@orch/oci'
import { createRegistries, type Registries, type Repository } from '@orch/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cutting } from '../kit/cutting.ts'
import { exec } from '../kit/exec.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { eachRegistry } from '../kit/services.ts'
import { toolProgram } from '../kit/tools.ts'

const MiB = 1024 * 1024

/** Random bytes that come in pieces, as from a file. */
function blobOf(size: number, beforeEach: (at: number) => Promise<void> = async () => {}): Blob {
  const bytes = randomBytes(size)
  return {
    ...blobFromBytes(bytes, mediaTypes.layer),
    open({ offset = 0 } = {}) {
      async function* pieces(): AsyncGenerator<Buffer> {
        for (let at = offset; at < size; at += 64 * 1024) {
          await beforeEach(at)
          yield bytes.subarray(at, Math.min(at + 64 * 1024, size))
        }
      }
      return Readable.from(pieces(), { objectMode: false })
    },
  }
}

const pulled = (repository: Repository, descriptor: Descriptor): Promise<Uint8Array> =>
  readBlob(repository.blob(descriptor), { maxBytes: descriptor.size })

/** A manifest whose config and layer are these blobs. */
function documentOf(config: Blob, layers: readonly Blob[], subject?: Descriptor) {
  const bytes = encodeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...(subject === undefined ? {} : { artifactType: 'application/vnd.example.note', subject }),
    config: config.descriptor,
    layers: layers.map(layer => layer.descriptor),
  })
  return { bytes, mediaType: mediaTypes.manifest }
}

/** A client that trusts the kit's authority. */
function clientOf({ host, env }: Registry): Registries {
  const ca = env['SSL_CERT_FILE']
  return createRegistries({ env, ...(ca === undefined ? {} : { hosts: { [host]: { ca } } }) })
}

/** One that knows nothing of what others did. */
function fresh(registry: Registry): { readonly client: Registries } & AsyncDisposable {
  const client = clientOf(registry)
  return { client, [Symbol.asyncDispose]: () => client.close() }
}

async function all(names: AsyncIterable<string>): Promise<readonly string[]> {
  const found: string[] = []
  for await (const name of names) found.push(name)
  return found.toSorted()
}

eachRegistry('crane')('the registry client', version => {
  describe.each([
    {},
    { auth: 'htpasswd' },
    { auth: 'token' },
    { auth: 'token', tls: true },
  ] as const)('at a registry with %o', options => {
    let registry: Registry
    let client: Registries
    const config = blobFromBytes(Buffer.from('{"rootfs":{"type":"layers"}}'), mediaTypes.config)
    const layer = blobOf(3 * MiB)
    const document = documentOf(config, [layer])
    const digest = digestOf(document.bytes)

    beforeAll(async () => {
      registry = await startRegistry({ version, ...options })
      client = clientOf(registry)
    })
    afterAll(() => client.close())

    it('pushes an image once, and mounts it into another repository', async () => {
      const repository = client.repository(registry.host, 'team/one')
      expect(await repository.push(config)).toBe('sent')
      expect(await repository.push(layer)).toBe('sent')
      expect(await repository.put(document, ['dev', 'latest'])).toBe(digest)
      const other = client.repository(registry.host, 'team/two')
      expect(await other.push(layer)).toBe('mounted')

      await using again = fresh(registry)
      const later = again.client.repository(registry.host, 'team/one')
      expect(await later.push(layer)).toBe('there')
      const third = again.client.repository(registry.host, 'team/three')
      const origins = [{ registry: registry.host, repository: 'team/one' }]
      expect(await third.push({ ...layer, origins })).toBe('mounted')
    })

    it('pulls what it pushed, and says what is not there', async () => {
      await using again = fresh(registry)
      const repository = again.client.repository(registry.host, 'team/one')
      expect(await repository.resolve('dev')).toEqual({
        descriptor: { mediaType: mediaTypes.manifest, digest, size: document.bytes.byteLength },
      })
      expect(Buffer.from((await repository.document('dev')).bytes).equals(document.bytes)).toBe(
        true,
      )
      expect(digestOf(await pulled(repository, layer.descriptor))).toBe(layer.descriptor.digest)
      expect(await repository.has(layer.descriptor.digest)).toBe(true)
      expect(await repository.has(digestOf('else'))).toBe(false)
      expect(await repository.resolve('else')).toBeUndefined()
      await expect(repository.document('else')).rejects.toMatchObject({
        code: 'REGISTRY_NOT_FOUND',
      })
    })

    it('lists tags and what refers to an image, and removes a manifest', async () => {
      const repository = client.repository(registry.host, 'team/one')
      expect(await all(repository.tags())).toEqual(['dev', 'latest'])
      const empty = blobFromBytes(Buffer.from('{}'), mediaTypes.empty)
      await repository.push(empty)
      const subject = { mediaType: mediaTypes.manifest, digest, size: document.bytes.byteLength }
      const note = documentOf(empty, [], subject)
      await repository.put(note, [])
      expect(await repository.referrers(digest)).toEqual([
        {
          mediaType: mediaTypes.manifest,
          digest: digestOf(note.bytes),
          size: note.bytes.byteLength,
          artifactType: 'application/vnd.example.note',
        },
      ])
      await repository.remove(digestOf(note.bytes))
      expect(await repository.resolve(digestOf(note.bytes))).toBeUndefined()
      expect(await repository.referrers(digest)).toEqual([])
      await expect(repository.remove(digestOf(note.bytes))).rejects.toMatchObject({
        code: 'REGISTRY_NOT_FOUND',
      })
    })

    it('removes a tag where the registry can', async () => {
      const repository = client.repository(registry.host, 'team/one')
      await repository.put(document, ['old'])
      const removed = repository.remove('old')
      if (version === '3') await removed
      else await expect(removed).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
      expect((await repository.resolve('old')) === undefined).toBe(version === '3')
    })

    it('lists the repositories', async () => {
      expect(await all(client.catalog(registry.host))).toContain('team/one')
    })

    it('pushes what crane takes for whole', async () => {
      const image = `${registry.host}/team/one:dev`
      const manifest = await exec(toolProgram('crane'), ['manifest', image], { env: registry.env })
      expect(manifest.stdout).toBe(Buffer.from(document.bytes).toString())
    })
  })

  it('sends a blob again that the registry lost, when a manifest is refused for it', async () => {
    const registry = await startRegistry({ version })
    await using own = fresh(registry)
    const repository = own.client.repository(registry.host, 'team/api')
    const [config, layer] = [blobOf(10), blobOf(1000)]
    await repository.push(config)
    await repository.push(layer)
    const { hex } = digestParts(layer.descriptor.digest)
    const links = 'docker/registry/v2/repositories/team/api/_layers/sha256'
    await rm(join(registry.root, links, hex), { recursive: true })
    await registry.restart() // forgets what it remembers of blobs
    const document = documentOf(config, [layer])
    await expect(repository.put(document, ['dev'])).rejects.toMatchObject({
      code: 'REGISTRY_BLOB_UNKNOWN',
      digests: [layer.descriptor.digest],
    })
    expect(await repository.push(layer)).toBe('sent')
    await repository.put(document, ['dev'])
  })

  it('pushes and pulls a blob although the connection is cut at 30 random points each', async () => {
    const registry = await startRegistry({ version })
    const size = 2 * MiB
    for (const counts of ['up', 'down'] as const) {
      for (let run = 0; run < 10; run++) {
        const after = Array.from({ length: 3 }, () => Math.floor(Math.random() * size))
        const proxy = await cutting(registry.host, { after, counts })
        await using own = fresh(registry)
        const repository = own.client.repository(proxy.host, 'team/api')
        const blob = blobOf(size)
        const points = `${counts} ${after}`
        expect(await repository.push(blob), points).toBe('sent')
        const bytes = await pulled(repository, blob.descriptor)
        expect(digestOf(bytes), points).toBe(blob.descriptor.digest)
        expect(proxy.cuts, points).toBe(3)
        await proxy.close()
      }
    }
  })

  it.each(['kill', 'restart'] as const)(
    'goes on when the registry meets a %s in mid-push',
    async how => {
      const registry = await startRegistry({ version })
      await using own = fresh(registry)
      let isDown = false
      const blob = blobOf(32 * MiB, async at => {
        if (isDown || at < 16 * MiB) return
        isDown = true
        if (how === 'kill') await registry.kill()
        await registry.restart()
      })
      const repository = own.client.repository(registry.host, 'team/api')
      expect(await repository.push(blob)).toBe('sent')
      expect(isDown).toBe(true)
      expect(digestOf(await pulled(repository, blob.descriptor))).toBe(blob.descriptor.digest)
    },
  )

  it('sends in chunks when told to', async () => {
    const registry = await startRegistry({ version })
    const hosts = { [registry.host]: { chunkBytes: MiB } }
    const client = createRegistries({ env: registry.env, hosts })
    const repository = client.repository(registry.host, 'team/api')
    const blob = blobOf(3.5 * MiB)
    expect(await repository.push(blob)).toBe('sent')
    expect(digestOf(await pulled(repository, blob.descriptor))).toBe(blob.descriptor.digest)
    await client.close()
  })
})
