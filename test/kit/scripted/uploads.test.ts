import { beforeEach, describe, expect, it } from 'vitest'
import { type ScriptedRegistry, startScriptedRegistry } from '../scripted-registry.ts'
import { ask } from './ask.ts'
import { digestOf } from './memory.ts'
import { imitations } from './quirks.ts'

let registry: ScriptedRegistry
const blob = 'a blob of 24 bytes, yes.'
const digest = digestOf(Buffer.from(blob))

async function begin(query = ''): Promise<string> {
  const { headers } = await ask(`${registry.url}/v2/x/blobs/uploads/${query}`, 'POST')
  return headers.location ?? ''
}

function patch(location: string, body: string, from?: number) {
  const range = { 'content-range': `${from}-${(from ?? 0) + body.length - 1}` }
  return ask(location, 'PATCH', from === undefined ? {} : range, body)
}

function put(location: string, body = '') {
  return ask(`${location}&digest=${digest}`, 'PUT', {}, body)
}

describe('uploads to the scripted registry', () => {
  beforeEach(async () => {
    registry = await startScriptedRegistry()
  })

  it('come whole, in chunks, or not at all', async () => {
    expect((await put(await begin(), blob)).status).toBe(201)
    let at = await begin()
    at = (await patch(at, blob.slice(0, 10), 0)).headers.location ?? ''
    const misplaced = await patch(at, blob.slice(11), 11)
    expect(misplaced).toMatchObject({ status: 416, headers: { range: '0-9' } })
    at = (await patch(at, blob.slice(10), 10)).headers.location ?? ''
    expect((await put(at)).headers['docker-content-digest']).toBe(digest)
    expect((await put(await begin(), 'another')).body).toContain('DIGEST_INVALID')
    expect((await ask(await begin(), 'DELETE')).status).toBe(204)
    expect(registry.uploads.size).toBe(0)
    expect((await ask(`${registry.url}/v2/x/blobs/${digest}`)).body).toBe(blob)
  })

  it('are kept as far as they came when the connection is cut, unless that is forgotten', async () => {
    for (const forgets of [false, true]) {
      registry.quirks.forgetsDrops = forgets
      const at = await begin()
      registry.fail({ method: 'PATCH' }, { cutUp: 10 })
      expect((await patch(at, blob)).error).toBe('ECONNRESET')
      const status = await ask(at)
      expect(status).toMatchObject({ status: 204, headers: { range: forgets ? '0-0' : '0-9' } })
      const rest = forgets ? blob : blob.slice(10)
      expect((await put(status.headers.location ?? '', rest)).status).toBe(201)
    }
  })

  it('lose later chunks like ECR', async () => {
    Object.assign(registry.quirks, imitations.ecr)
    const first = await patch(await begin(), blob.slice(0, 10), 0)
    expect(first.status).toBe(201)
    const second = await patch(first.headers.location ?? '', blob.slice(10), 10)
    expect(second.status).toBe(201)
    expect((await put(second.headers.location ?? '')).body).toContain('DIGEST_INVALID')
    expect((await put(await begin(), blob)).status).toBe(201)
  })

  it('are refused in chunks like Artifact Registry', async () => {
    Object.assign(registry.quirks, imitations.gar)
    expect((await patch(await begin(), blob, 0)).status).toBe(405)
    expect((await put(await begin(), blob)).status).toBe(201)
  })

  it('know each Location once like GCR', async () => {
    Object.assign(registry.quirks, imitations.gcr)
    const first = await begin()
    const second = (await patch(first, blob, 0)).headers.location ?? ''
    expect((await put(first)).body).toContain('BLOB_UPLOAD_UNKNOWN')
    expect((await ask(second)).status).toBe(404)
    expect((await put(second)).status).toBe(201)
  })

  it('want their Location back as it was', async () => {
    registry.quirks.rawState = true
    const at = await begin()
    const encoded = new URL(at)
    encoded.searchParams.set('digest', digest)
    expect((await ask(encoded.href, 'PUT', {}, blob)).status).toBe(404)
    expect((await put(at, blob)).status).toBe(201)
  })

  it('have relative Locations, and ones without the port', async () => {
    registry.quirks.location = 'relative'
    const relative = await begin()
    expect(relative).toMatch(/^\/v2\/x\/blobs\/uploads\//)
    registry.quirks.location = 'portless'
    expect(await begin()).toMatch(/^http:\/\/127\.0\.0\.1\/v2\/x\//)
    expect((await put(registry.url + relative, blob)).status).toBe(201)
  })

  it('have a least and a greatest size', async () => {
    registry.quirks.minChunk = 8
    const begun = await ask(`${registry.url}/v2/x/blobs/uploads/`, 'POST')
    expect(begun.headers['oci-chunk-min-length']).toBe('8')
    const small = await patch(begun.headers.location ?? '', blob.slice(0, 7), 0)
    expect(small.status).toBe(202)
    expect((await patch(small.headers.location ?? '', blob.slice(7), 7)).status).toBe(416)
    registry.quirks.maxBody = 20
    expect((await put(await begin(), blob)).status).toBe(413)
  })

  it('are answered as the quirks say', async () => {
    Object.assign(registry.quirks, { patchStatus: 204, putStatus: 204 })
    const { status, headers } = await patch(await begin(), blob, 0)
    expect(status).toBe(204)
    expect((await put(headers.location ?? '')).status).toBe(204)
  })

  it('are spared by a mount, which some want said more of', async () => {
    registry.addBlob('y', blob)
    const mount = async (from: string) =>
      (await ask(`${registry.url}/v2/x/blobs/uploads/?mount=${digest}${from}`, 'POST')).status
    expect(await mount('')).toBe(201)
    Object.assign(registry.quirks, imitations.quay)
    expect(await mount('')).toBe(400)
    expect(await mount('&from=y')).toBe(201)
    expect(await mount('&from=z')).toBe(202)
    registry.quirks.mount = 'never'
    expect(await mount('&from=y')).toBe(202)
    registry.quirks.mount = 500
    expect(await mount('&from=y')).toBe(500)
  })
})
