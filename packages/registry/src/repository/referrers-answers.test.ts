import { blobFromBytes, digestOf, encodeIndex, encodeManifest, mediaTypes } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { fallbackTag } from './referrers.ts'
import { type TestRegistry, testRegistry } from './test-registry.ts'

const config = blobFromBytes(Buffer.from('{}'), mediaTypes.config).descriptor
const subject = { mediaType: mediaTypes.manifest, digest: digestOf('subject'), size: 7 } as const
const signature = {
  bytes: encodeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: [],
    subject,
  }),
  mediaType: mediaTypes.manifest,
}
const tag = fallbackTag(subject.digest)
const open = (registry: TestRegistry) => registry.client.repository(registry.host, 'team/api')

describe('a list of referrers', () => {
  it.each(['text/html', 'application/json'])(
    'is not believed to be listed because of an answer as %s',
    async type => {
      await using registry = await testRegistry(({ method, url, response, answer }) => {
        if (method === 'PUT') response.setHeader('oci-subject', subject.digest)
        if (!url.includes('/referrers/')) return false
        const none = encodeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] })
        answer(200, { 'content-type': type }, none)
        return true
      })
      await open(registry).put(signature, [])
      expect(registry.manifests.has(`team/api:${tag}`)).toBe(true)
      expect(await open(registry).referrers(subject.digest)).toHaveLength(1)
    },
  )

  it('without end is an error', async () => {
    const manifests = Array.from({ length: 4000 }, (_, at) => {
      const digest = digestOf(`${at}`)
      return { mediaType: mediaTypes.manifest, digest, size: 2 }
    })
    const page = encodeIndex({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })
    await using registry = await testRegistry(({ before, answer }) => {
      const link = `<?page=${before}>; rel="next"`
      answer(200, { 'content-type': mediaTypes.index, link }, page)
      return true
    })
    await expect(open(registry).referrers(subject.digest)).rejects.toMatchObject({
      code: 'GRAPH_TOO_LARGE',
    })
    expect(registry.log).toHaveLength(3)
  })
})
