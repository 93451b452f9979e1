import { digestOf } from '@orch/oci'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { BlobUnknownError } from './put.ts'
import { config, documentOf, open } from './test-push.ts'
import { errorBody, testRegistry } from './test-registry.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

describe('putting a document', () => {
  it('puts it under every tag, and reads it back', async () => {
    await using registry = await testRegistry()
    const document = documentOf()
    expect(await open(registry).put(document, ['dev', 'latest'])).toBe(document.digest)
    expect([...registry.manifests.keys()].toSorted()).toEqual(
      ['dev', 'latest', document.digest].map(name => `team/api:${name}`).toSorted(),
    )
    expect(registry.log).toEqual(['PUT manifest', 'PUT manifest', 'GET manifest'])
  })

  it('puts it by its digest where there is no tag', async () => {
    await using registry = await testRegistry()
    const document = documentOf()
    await open(registry).put(document, [])
    expect([...registry.manifests.keys()]).toEqual([`team/api:${document.digest}`])
  })

  it('fails when the registry has something else afterwards', async () => {
    await using registry = await testRegistry(({ method, answer }) => {
      if (method === 'PUT') answer(201, { 'docker-content-digest': digestOf('else') })
      return method === 'PUT'
    })
    await expect(open(registry).put(documentOf(), ['dev'])).rejects.toMatchObject({
      code: 'REGISTRY_ANSWER_INVALID',
      message: expect.stringContaining(digestOf('else')),
    })
  })

  it('asks what is under the tag where the answer does not tell', async () => {
    await using registry = await testRegistry(({ method, answer }) => {
      if (method === 'PUT') answer(201) // and keeps nothing
      return method === 'PUT'
    })
    await expect(open(registry).put(documentOf(), ['dev'])).rejects.toMatchObject({
      message: expect.stringContaining('the registry has nothing there'),
    })
  })

  it('waits a moment for a registry that needs one to read it back', async () => {
    await using registry = await testRegistry(({ method, before, answer }) => {
      if (method !== 'GET' || before > 0) return false
      answer(404)
      return true
    })
    await open(registry).put(documentOf(), ['dev'])
    expect(registry.log).toEqual(['PUT manifest', 'GET manifest', 'GET manifest'])
  })

  it('says which blobs the registry lacks, and sends them whatever it says of them', async () => {
    const { digest } = config.descriptor
    await using registry = await testRegistry(({ method, url, before, answer }) => {
      if (method !== 'PUT' || !url.includes('/manifests/') || before > 0) return false
      const detail = { digest, elsewhere: digestOf('not asked for') }
      answer(400, {}, errorBody('MANIFEST_BLOB_UNKNOWN', detail))
      return true
    })
    registry.blobs.set(`team/api@${digest}`, Buffer.from('{}'))
    const repository = open(registry)
    expect(await repository.push(config)).toBe('there')
    const error: unknown = await repository.put(documentOf(), ['dev']).catch(thrown => thrown)
    expect(error).toBeInstanceOf(BlobUnknownError)
    expect(error).toMatchObject({ code: 'REGISTRY_BLOB_UNKNOWN', digests: [digest] })
    expect(await repository.push(config)).toBe('sent')
    await repository.put(documentOf(), ['dev'])
  })

  it('sends every blob again when the registry does not say which it lacks, though it says they are there', async () => {
    await using registry = await testRegistry(({ method, url, before, answer }) => {
      if (method === 'HEAD' && url.includes('/blobs/')) {
        answer(200, { 'content-length': config.descriptor.size })
        return true
      }
      if (method !== 'PUT' || !url.includes('/manifests/') || before > 0) return false
      answer(404, {}, errorBody('BLOB_UNKNOWN'))
      return true
    })
    const repository = open(registry)
    expect(await repository.push(config)).toBe('there')
    await expect(repository.put(documentOf(), ['dev'])).rejects.toMatchObject({ digests: [] })
    expect(await repository.push(config)).toBe('sent')
  })

  it('that the registry refuses for another reason says so', async () => {
    await using registry = await testRegistry(({ method, answer }) => {
      if (method === 'PUT') answer(413, {}, '<html>')
      return method === 'PUT'
    })
    await expect(open(registry).put(documentOf(), ['dev'])).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: `${registry.host}/team/api:dev: the registry answered 413`,
    })
  })
})
