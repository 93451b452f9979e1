import {
  blobFromBytes,
  digestOf,
  encodeIndex,
  encodeManifest,
  type Manifest,
  mediaTypes,
  parseIndex,
} from '@orch/oci'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { BlobUnknownError } from './put.ts'
import { type Exchange, errorBody, type TestRegistry, testRegistry } from './test-registry.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

const config = blobFromBytes(Buffer.from('{}'), mediaTypes.config)
const bare: Manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: config.descriptor,
  layers: [],
}

function documentOf(extra: Partial<Manifest> = {}) {
  const bytes = encodeManifest({ ...bare, ...extra })
  return { bytes, mediaType: mediaTypes.manifest, digest: digestOf(bytes) }
}

const open = (registry: TestRegistry) => registry.client.repository(registry.host, 'team/api')

/** Takes what refers to another document as a registry with the referrers API does. */
function referrersApi({ url, registry, answer }: Exchange): boolean {
  const subject = /\/referrers\/(.+)$/.exec(url)?.[1]
  if (subject === undefined) return false
  const manifests = [...registry.manifests.values()].flatMap(({ bytes, mediaType }) => {
    const { subject: about } = JSON.parse(bytes.toString()) as Manifest
    return about?.digest === subject
      ? [{ mediaType, digest: digestOf(bytes), size: bytes.byteLength }]
      : []
  })
  const index = encodeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })
  answer(200, { 'content-type': mediaTypes.index }, index)
  return true
}

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

  it('asks for every blob again when the registry does not say which it lacks', async () => {
    await using registry = await testRegistry(({ method, url, before, answer }) => {
      if (method !== 'PUT' || !url.includes('/manifests/') || before > 0) return false
      answer(404, {}, errorBody('BLOB_UNKNOWN'))
      return true
    })
    const repository = open(registry)
    await repository.push(config)
    registry.blobs.clear() // its garbage collection came between
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

describe('what refers to an image', () => {
  const subject = documentOf()
  const about = {
    mediaType: mediaTypes.manifest,
    digest: subject.digest,
    size: subject.bytes.length,
  }
  const signature = documentOf({
    subject: about,
    artifactType: 'application/vnd.example.signature',
    annotations: { key: 'value' },
  })
  const sbom = documentOf({ subject: about, annotations: { name: 'sbom' } })
  const tag = subject.digest.replace(':', '-')

  it('is listed under the fallback tag of a registry that knows no referrers', async () => {
    await using registry = await testRegistry()
    const repository = open(registry)
    expect(await repository.referrers(subject.digest)).toEqual([])
    await Promise.all([repository.put(signature, []), repository.put(sbom, [])])
    const found = await repository.referrers(subject.digest)
    expect(found).toHaveLength(2)
    expect(found).toContainEqual({
      mediaType: mediaTypes.manifest,
      digest: signature.digest,
      size: signature.bytes.byteLength,
      artifactType: 'application/vnd.example.signature',
      annotations: { key: 'value' },
    })
    const artifactType = mediaTypes.config // of the config, where the manifest names none
    expect(await repository.referrers(subject.digest, { artifactType })).toMatchObject([
      { digest: sbom.digest },
    ])
    const puts = registry.log.filter(entry => entry === 'PUT manifest').length
    await repository.put(signature, [])
    expect(registry.log.filter(entry => entry === 'PUT manifest')).toHaveLength(puts + 1)
  })

  it('is written again when another writer came between', async () => {
    const other = { mediaType: mediaTypes.manifest, digest: digestOf('other'), size: 5 }
    let isRaced = false
    await using registry = await testRegistry(({ method, url, request, registry, answer }) => {
      if (method !== 'PUT' || !url.endsWith(tag) || isRaced) return false
      isRaced = true
      request.resume()
      const list = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [other] } as const
      const bytes = Buffer.from(encodeIndex(list))
      registry.manifests.set(`team/api:${tag}`, { bytes, mediaType: mediaTypes.index })
      answer(201)
      return true
    })
    await open(registry).put(signature, [])
    const { bytes } = await open(registry).document(tag)
    expect(parseIndex(bytes).manifests.map(({ digest }) => digest)).toEqual([
      other.digest,
      signature.digest,
    ])
  })

  it('is written on condition where the registry offers one', async () => {
    const conditions: (string | undefined)[] = []
    await using registry = await testRegistry(({ method, url, request, response, answer }) => {
      if (!url.endsWith(tag)) return false
      response.setHeader('etag', '"7"')
      if (method !== 'PUT') return false
      conditions.push(request.headers['if-match'])
      if (conditions.length > 1) return false
      request.resume()
      answer(412)
      return true
    })
    const list = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] } as const
    const bytes = Buffer.from(encodeIndex(list))
    registry.manifests.set(`team/api:${tag}`, { bytes, mediaType: mediaTypes.index })
    await open(registry).put(signature, [])
    expect(conditions).toEqual(['"7"', '"7"'])
    expect(await open(registry).referrers(subject.digest)).toHaveLength(1)
  })

  it('is left to the registry that lists it', async () => {
    await using registry = await testRegistry(referrersApi)
    await open(registry).put(signature, [])
    expect(registry.manifests.has(`team/api:${tag}`)).toBe(false)
    expect(await open(registry).referrers(subject.digest)).toMatchObject([
      { digest: signature.digest },
    ])
  })

  it('is not believed to be listed because of OCI-Subject alone (ECR)', async () => {
    await using registry = await testRegistry(({ method, response }) => {
      if (method === 'PUT') response.setHeader('oci-subject', subject.digest)
      return false
    })
    await open(registry).put(signature, [])
    expect(registry.manifests.has(`team/api:${tag}`)).toBe(true)
    expect(await open(registry).referrers(subject.digest)).toHaveLength(1)
  })

  it('is looked for under the tag too when the registry learned of referrers later', async () => {
    let isNew = false
    await using registry = await testRegistry(({ url, answer }) => {
      if (!isNew || !url.includes('/referrers/')) return false
      const none = encodeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] })
      answer(200, { 'content-type': mediaTypes.index }, none)
      return true
    })
    await open(registry).put(signature, [])
    isNew = true
    expect(await open(registry).referrers(subject.digest)).toHaveLength(1)
  })

  it('is looked for under the tag too when the registry lists only what came later', async () => {
    let isNew = false
    await using registry = await testRegistry(({ url, answer }) => {
      if (!isNew || !url.includes('/referrers/')) return false
      const later = { ...about, digest: sbom.digest, size: sbom.bytes.byteLength }
      const list = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [later] } as const
      answer(200, { 'content-type': mediaTypes.index }, encodeIndex(list))
      return true
    })
    await open(registry).put(signature, [])
    isNew = true
    const found = await open(registry).referrers(subject.digest)
    expect(found.map(({ digest }) => digest)).toEqual([signature.digest, sbom.digest])
  })

  it('is an error when the API is down and no tag says more', async () => {
    await using registry = await testRegistry(({ url, answer }) => {
      if (!url.includes('/referrers/')) return false
      answer(503)
      return true
    })
    const repository = open(registry)
    await expect(repository.referrers(subject.digest)).rejects.toMatchObject({
      code: 'REGISTRY_BROKEN',
    })
    await repository.put(signature, [])
    expect(await repository.referrers(subject.digest)).toMatchObject([{ digest: signature.digest }])
  })

  it('is an error when the tag names an image', async () => {
    await using registry = await testRegistry()
    const kept = { bytes: Buffer.from(subject.bytes), mediaType: mediaTypes.manifest }
    registry.manifests.set(`team/api:${tag}`, kept)
    await expect(open(registry).referrers(subject.digest)).rejects.toMatchObject({
      code: 'REGISTRY_ANSWER_INVALID',
    })
  })

  it('comes page by page', async () => {
    const [one, two] = [signature, sbom].map(({ digest, bytes }) =>
      encodeIndex({
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [{ mediaType: mediaTypes.manifest, digest, size: bytes.byteLength }],
      }),
    )
    await using registry = await testRegistry(({ url, answer }) => {
      if (!url.includes('/referrers/')) return false
      const headers = { 'content-type': mediaTypes.index }
      if (url.endsWith('?next=2')) answer(200, headers, two)
      else answer(200, { ...headers, link: '<?next=2>; rel="next"' }, one)
      return true
    })
    expect(await open(registry).referrers(subject.digest)).toHaveLength(2)
  })
})
