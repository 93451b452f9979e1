import { blobFromBytes, digestOf, encodeIndex, encodeManifest, mediaTypes } from '@orch/oci'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type TestRegistry, testRegistry } from './test-registry.ts'

const MiB = 1024 * 1024

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

const index = encodeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] })
const indexDigest = digestOf(index)

function keepIndex(registry: TestRegistry, reference = 'dev'): void {
  const kept = { bytes: Buffer.from(index), mediaType: mediaTypes.index }
  registry.manifests.set(`team/api:${reference}`, kept)
  registry.manifests.set(`team/api:${indexDigest}`, kept)
}

const open = (registry: TestRegistry) => registry.client.repository(registry.host, 'team/api')

describe('a document', () => {
  it('is had by tag and by digest, and HEAD is enough to resolve one', async () => {
    await using registry = await testRegistry()
    keepIndex(registry)
    const descriptor = { mediaType: mediaTypes.index, digest: indexDigest, size: index.byteLength }
    expect(await open(registry).resolve('dev')).toEqual({ descriptor })
    expect(await open(registry).resolve(indexDigest)).toEqual({ descriptor })
    expect(registry.log).toEqual(['HEAD manifest', 'HEAD manifest'])
    const { bytes, ...rest } = await open(registry).document('dev')
    expect(rest.descriptor).toEqual(descriptor)
    expect(Buffer.from(bytes).equals(index)).toBe(true)
    expect((await open(registry).document(indexDigest)).descriptor).toEqual(descriptor)
  })

  it('that is not there resolves to nothing, and is an error when it is wanted', async () => {
    await using registry = await testRegistry()
    expect(await open(registry).resolve('dev')).toBeUndefined()
    await expect(open(registry).document('dev')).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      message: `${registry.host}/team/api:dev is not there`,
    })
  })

  it.each([
    ['no digest', { 'docker-content-digest': '' }],
    ['nonsense for a digest', { 'docker-content-digest': 'sha256:../../x' }],
    ['no length', { 'content-length': 0 }],
    ['no media type', { 'content-type': 'text/html' }],
  ])('is resolved by GET where HEAD gives %s', async (_, headers) => {
    await using registry = await testRegistry(({ method, answer }) => {
      if (method !== 'HEAD') return false
      answer(200, {
        'content-type': mediaTypes.index,
        'content-length': index.byteLength,
        'docker-content-digest': indexDigest,
        ...headers,
      })
      return true
    })
    keepIndex(registry)
    expect((await open(registry).resolve('dev'))?.descriptor.digest).toBe(indexDigest)
    expect(registry.log).toEqual(['HEAD manifest', 'GET manifest'])
  })

  it('is the one that was asked for, whatever the header says (CVE-2025-24882)', async () => {
    const other = encodeIndex({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [],
      annotations: { other: 'yes' },
    })
    await using registry = await testRegistry(({ answer }) => {
      answer(
        200,
        { 'content-type': mediaTypes.index, 'docker-content-digest': digestOf(other) },
        other,
      )
      return true
    })
    await expect(open(registry).document(indexDigest)).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
    })
    await expect(open(registry).resolve(indexDigest)).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
    })
  })

  it('by tag must be what its own header says', async () => {
    await using registry = await testRegistry(({ answer }) => {
      const digest = digestOf('something else')
      answer(200, { 'content-type': mediaTypes.index, 'docker-content-digest': digest }, index)
      return true
    })
    await expect(open(registry).document('dev')).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it.each([
    ['text/html', index, 'REGISTRY_ANSWER_INVALID'],
    [mediaTypes.manifest, index, 'DOCUMENT_AMBIGUOUS'],
    [mediaTypes.dockerIndex, index, 'DOCUMENT_AMBIGUOUS'],
    [mediaTypes.index, Buffer.from('{"manifests":[],"layers":[]}'), 'DOCUMENT_AMBIGUOUS'],
    [mediaTypes.index, Buffer.alloc(4 * MiB + 1, ' '), 'REGISTRY_ANSWER_INVALID'],
  ])('served as %s, but of another kind, is refused (%#)', async (type, bytes, code) => {
    await using registry = await testRegistry()
    registry.manifests.set('team/api:dev', { bytes: Buffer.from(bytes), mediaType: type })
    await expect(open(registry).document('dev')).rejects.toMatchObject({ code })
  })

  it('without end is refused at its limit', async () => {
    let sent = 0
    await using registry = await testRegistry(async ({ response }) => {
      response.writeHead(200, { 'content-type': mediaTypes.index })
      while (!response.destroyed && sent < 64 * MiB) {
        sent += MiB
        await new Promise(resolve => response.write(Buffer.alloc(MiB, ' '), resolve))
      }
      response.end()
      return true
    })
    await expect(open(registry).document('dev')).rejects.toMatchObject({
      code: 'REGISTRY_ANSWER_INVALID',
    })
    expect(sent).toBeLessThan(32 * MiB)
  })

  it('is asked for again when the connection breaks off', async () => {
    await using registry = await testRegistry(({ before, response }) => {
      if (before > 1) return false
      response.writeHead(200, { 'content-length': index.byteLength })
      response.write(index.subarray(0, 10), () => response.destroy())
      return true
    })
    keepIndex(registry)
    expect((await open(registry).document('dev')).descriptor.digest).toBe(indexDigest)
  })

  it.each(['../../x', 'a/b', 'a?b', '', 'sha256:abc', `sha256:${'A'.repeat(64)}`])(
    'cannot be asked for as %s',
    async reference => {
      await using registry = await testRegistry()
      await expect(open(registry).document(reference)).rejects.toMatchObject({
        code: 'REFERENCE_INVALID',
      })
      expect(registry.log).toEqual([])
    },
  )

  it('of a schema that nobody reads any more is refused by name', async () => {
    await using registry = await testRegistry()
    const bytes = Buffer.from('{"schemaVersion":1,"fsLayers":[]}')
    registry.manifests.set('team/api:dev', { bytes, mediaType: mediaTypes.manifest })
    await expect(open(registry).document('dev')).rejects.toMatchObject({
      message: expect.stringContaining('schema 1'),
    })
  })

  it('that the registry refuses says why, without control characters', async () => {
    await using registry = await testRegistry(({ answer }) => {
      const message = '\u001b[2Jsee https://user:hunter2@host.example/x?sig=hunter2'
      answer(400, {}, JSON.stringify({ errors: [{ code: 'NAME_INVALID', message }] }))
      return true
    })
    const error: unknown = await open(registry)
      .document('dev')
      .catch(thrown => thrown)
    expect(error).toMatchObject({ code: 'REGISTRY_REFUSED' })
    expect(String(error)).toContain('NAME_INVALID')
    expect(String(error)).not.toContain('hunter2')
    expect(String(error)).not.toContain('\u001b')
  })

  it('is served with its own media type', async () => {
    await using registry = await testRegistry()
    const config = blobFromBytes(Buffer.from('{}'), mediaTypes.config).descriptor
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: [],
    } as const
    const bytes = Buffer.from(encodeManifest(manifest))
    registry.manifests.set('team/api:dev', {
      bytes,
      mediaType: `${mediaTypes.manifest}; charset=utf-8`,
    })
    const { descriptor } = await open(registry).document('dev')
    expect(descriptor.mediaType).toBe(mediaTypes.manifest)
  })
})
