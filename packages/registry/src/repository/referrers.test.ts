import { digestOf, encodeIndex, type Manifest, mediaTypes, parseIndex } from '@orch/oci'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { documentOf, open } from './test-push.ts'
import { type Exchange, testRegistry } from './test-registry.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

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
