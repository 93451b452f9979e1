import { beforeEach, describe, expect, it } from 'vitest'
import { certificates } from './certificates.ts'
import { exec } from './exec.ts'
import { helloArchive } from './hello-archive.ts'
import { ask } from './scripted/ask.ts'
import { digestOf } from './scripted/memory.ts'
import { imitations } from './scripted/quirks.ts'
import { type ScriptedRegistry, startScriptedRegistry } from './scripted-registry.ts'
import { needs } from './services.ts'
import { toolProgram } from './tools.ts'

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
let registry: ScriptedRegistry
const blob = 'a blob of 24 bytes, yes.'
const digest = digestOf(Buffer.from(blob))

/** What came: method and status. */
function log(): string[] {
  return registry.requests.map(({ method, status }) => `${method} ${status}`)
}

needs(
  'crane',
  'regctl',
  'skopeo',
  'openssl',
)('the scripted registry without quirks', () => {
  it.each([false, true])('is one to skopeo, crane and regctl (TLS: %s)', async tls => {
    registry = await startScriptedRegistry({ tls })
    const name = `${registry.host}/team/hello:1`
    const env = { SSL_CERT_FILE: (await certificates()).ca }
    const insecure = tls ? [] : ['--dest-tls-verify=false']
    const archive = `oci-archive:${await helloArchive('hello')}`
    const copy = ['copy', '--all', ...insecure, archive, `docker://${name}`]
    expect((await exec('skopeo', copy, { env })).stderr).toBe('')
    const crane = await exec(toolProgram('crane'), ['validate', '--remote', name], { env })
    expect(crane).toMatchObject({ exitCode: 0 })
    const host = ['--host', `reg=${registry.host},tls=${tls ? 'enabled' : 'disabled'}`]
    const list = await exec(
      toolProgram('regctl'),
      [...host, 'tag', 'ls', `${registry.host}/team/hello`],
      { env },
    )
    expect(list).toMatchObject({ exitCode: 0, stdout: '1\n' })
    expect(registry.uploads.size).toBe(0)
    expect(registry.requests.every(({ auth }) => auth === 'none')).toBe(true)
  })
})

describe('what the scripted registry serves', () => {
  beforeEach(async () => {
    registry = await startScriptedRegistry()
    registry.addBlob('x', blob)
  })
  const get = (headers = {}) => ask(`${registry.url}/v2/x/blobs/${digest}`, 'GET', headers)

  it('is cut by Range, rightly, wrongly or not', async () => {
    const range = { range: 'bytes=20-' }
    expect(await get(range)).toMatchObject({
      status: 206,
      headers: { 'content-range': 'bytes 20-23/24' },
      body: 'yes.',
    })
    registry.quirks.range = 'wrong'
    expect(await get(range)).toMatchObject({
      status: 206,
      headers: { 'content-range': 'bytes 0-23/24' },
    })
    registry.quirks.range = 'ignored'
    expect(await get(range)).toMatchObject({ status: 200, body: blob })
    registry.quirks.range = 'refused'
    expect((await get(range)).status).toBe(416)
    registry.quirks.range = undefined
    expect((await get({ range: 'bytes=24-' })).status).toBe(416)
  })

  it('lies elsewhere, where Authorization is one too many', async () => {
    const storage = await startScriptedRegistry({ address: '127.0.0.2' })
    storage.addBlob('any', blob)
    registry.quirks.blobsAt = storage.url
    const { status, headers } = await get()
    expect(status).toBe(307)
    expect((await ask(headers.location ?? '', 'GET', { authorization: 'Basic x' })).status).toBe(
      400,
    )
    expect((await ask(headers.location ?? '')).body).toBe(blob)
    expect(storage.requests.map(({ auth }) => auth)).toEqual(['basic', 'none'])
  })

  it('suffers what it is told, so many times, and then no more', async () => {
    registry.fail(
      { method: 'GET', times: 2, after: 1 },
      { status: 429, headers: { 'retry-after': '7' } },
    )
    const answers = [await get(), await get(), await get(), await get()]
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 429, 200])
    expect(answers[1]?.headers['retry-after']).toBe('7')
    registry.fail({ path: '/blobs/' }, { cutDown: 10 })
    expect(await get()).toMatchObject({ status: 200, body: blob.slice(0, 10), error: 'ECONNRESET' })
    registry.fail({ path: /blobs/ }, { drop: 'before' })
    expect(await get()).toMatchObject({ status: 0, error: 'ECONNRESET' })
    const lies = { 'docker-content-digest': 'sha256:0', 'content-type': undefined }
    registry.fail({}, { headers: lies, body: blob.toUpperCase() })
    const lied = await get()
    expect(lied).toMatchObject({
      body: blob.toUpperCase(),
      headers: { 'docker-content-digest': 'sha256:0' },
    })
    expect(lied.headers['content-type']).toBeUndefined()
    expect(log()).toEqual([
      'GET 200',
      'GET 429',
      'GET 429',
      'GET 200',
      'GET 200',
      'GET 0',
      'GET 200',
    ])
    registry.fail({}, { status: 500 })
    registry.calm()
    expect((await get()).status).toBe(200)
    expect(log()).toEqual(['GET 200'])
  })

  it('ends the connection with an answer, or before what the answer promised', async () => {
    registry.fail({}, { closes: true })
    expect((await get()).headers.connection).toBe('close')
    registry.fail({}, { headers: { 'content-length': '99' } })
    expect(await get()).toMatchObject({ body: blob, error: 'ECONNRESET' })
  })

  it('tells when requests came, and how many at once', async () => {
    registry.fail({ times: 3 }, { delay: 50 })
    await Promise.all([get(), get(), get()])
    await get()
    expect(registry.peak).toBe(3)
    const [first, , , last] = registry.requests.map(({ at }) => at)
    expect((last ?? 0) - (first ?? 0)).toBeGreaterThan(40)
  })

  it('does what it was asked before it drops the answer', async () => {
    const begun = await ask(`${registry.url}/v2/x/blobs/uploads/`, 'POST')
    registry.fail({ method: 'PUT' }, { drop: 'after' })
    const put = `${begun.headers.location}&digest=${digest}`
    expect((await ask(put, 'PUT', {}, blob)).error).toBe('ECONNRESET')
    expect(registry.repositories.get('x')?.blobs.has(digest)).toBe(true)
    expect(registry.uploads.size).toBe(0)
  })

  it.each([
    ['endless', 1_000_000],
    ['stall', 5],
  ] as const)('has bodies that do not end (%s)', async (kind, bytes) => {
    registry.fail({}, kind === 'endless' ? { endless: true } : { stall: 5 })
    const { body } = await fetch(`${registry.url}/v2/x/blobs/${digest}`)
    const reader = body?.getReader()
    let read = 0
    while (read < bytes) read += (await reader?.read())?.value?.length ?? 0
    const next = reader?.read()
    if (kind === 'stall')
      expect(
        await Promise.race([next, new Promise(resolve => setTimeout(resolve, 100, 'nothing'))]),
      ).toBe('nothing')
    next?.catch(() => {})
    await reader?.cancel()
  })

  it('warns with every answer', async () => {
    registry.quirks.warnings = ['old', 'older']
    const warned = await fetch(`${registry.url}/v2/`)
    expect(warned.headers.get('warning')).toBe('299 - "old", 299 - "older"')
  })
})

describe('manifests of the scripted registry', () => {
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest, size: blob.length }
  const manifest = JSON.stringify({ schemaVersion: 2, config, layers: [config] })
  const own = digestOf(Buffer.from(manifest))
  const at = (reference: string) => `${registry.url}/v2/x/manifests/${reference}`
  const push = (reference: string, body = manifest, headers = {}) =>
    ask(at(reference), 'PUT', { 'content-type': manifestType, ...headers }, body)
  beforeEach(async () => {
    registry = await startScriptedRegistry()
  })

  it('are taken when all they name is there', async () => {
    expect((await push('1')).body).toContain(`"detail":"${digest}"`)
    registry.quirks.unknownDetail = 'object'
    expect((await push('1')).body).toContain(`"detail":{"digest":"${digest}"}`)
    registry.addBlob('x', blob)
    expect(await push('1')).toMatchObject({
      status: 201,
      headers: { 'docker-content-digest': own },
    })
    expect((await push(own)).status).toBe(201)
    expect((await push(digest)).body).toContain('DIGEST_INVALID')
    expect(await ask(at('1'))).toMatchObject({
      status: 200,
      body: manifest,
      headers: { 'content-type': manifestType },
    })
    registry.quirks.noDigest = 'head'
    expect((await ask(at('1'), 'HEAD')).headers['docker-content-digest']).toBeUndefined()
    expect((await ask(at('1'))).headers['docker-content-digest']).toBe(own)
  })

  it('are removed, unless they cannot be', async () => {
    registry.addManifest('x', manifest, manifestType, '1')
    registry.quirks.noDelete = 'tags'
    expect((await ask(at('1'), 'DELETE')).status).toBe(405)
    expect((await ask(at(own), 'DELETE')).status).toBe(202)
    expect((await ask(at('1'))).status).toBe(404)
  })

  it('are not replaced unseen where there are ETags', async () => {
    Object.assign(registry.quirks, { etags: true, isGullible: true })
    expect((await push('1')).status).toBe(201)
    const { etag = '' } = (await ask(at('1'))).headers
    expect((await push('1', '{}', { 'if-match': etag })).status).toBe(201)
    expect((await push('1', manifest, { 'if-match': etag })).status).toBe(412)
  })

  it('refer to others, by the API or by their word alone', async () => {
    registry.quirks.isGullible = true
    const referrer = JSON.stringify({
      artifactType: 'a/b',
      subject: { digest: own },
      annotations: { k: 'v' },
    })
    expect((await push('sig', referrer)).headers['oci-subject']).toBe(own)
    const list = (query = '') => ask(`${registry.url}/v2/x/referrers/${own}${query}`)
    const { body, headers } = await list()
    expect(JSON.parse(body).manifests).toEqual([
      {
        mediaType: manifestType,
        digest: digestOf(Buffer.from(referrer)),
        size: referrer.length,
        artifactType: 'a/b',
        annotations: { k: 'v' },
      },
    ])
    expect(headers['oci-filters-applied']).toBeUndefined()
    registry.quirks.filters = true
    expect(JSON.parse((await list('?artifactType=c/d')).body).manifests).toEqual([])
    Object.assign(registry.quirks, imitations.ecr)
    expect((await list()).status).toBe(404)
    expect((await push('sig', referrer)).headers['oci-subject']).toBe(own)
    registry.quirks.announcesSubject = false
    expect((await push('sig', referrer)).headers['oci-subject']).toBeUndefined()
  })

  it('are listed by their tags in pages that lead on, round or away', async () => {
    for (const tag of ['a', 'b', 'c']) registry.addManifest('x', manifest, manifestType, tag)
    registry.quirks.pageSize = 2
    const list = async (target: string) => {
      const { body, headers } = await ask(registry.url + target)
      const next = /^<(.*)>; rel="next"$/.exec(String(headers['link'] ?? ''))?.[1]
      return { tags: JSON.parse(body).tags as string[], next }
    }
    const first = await list('/v2/x/tags/list')
    expect(first).toEqual({ tags: ['a', 'b'], next: '/v2/x/tags/list?last=b' })
    expect(await list(first.next ?? '')).toEqual({ tags: ['c'], next: undefined })
    registry.quirks.links = 'loop'
    expect((await list('/v2/x/tags/list?n=1')).next).toBe('/v2/x/tags/list?n=1')
    registry.quirks.links = 'endless'
    expect((await list('/v2/x/tags/list?last=z')).next).toBe('/v2/x/tags/list?last=zz')
    registry.quirks.links = { to: 'http://127.0.0.2/' }
    expect((await list('/v2/x/tags/list')).next).toBe('http://127.0.0.2/')
    registry.quirks.links = 'absolute'
    expect((await list('/v2/x/tags/list')).next).toBe(`${registry.url}/v2/x/tags/list?last=b`)
    expect(JSON.parse((await ask(`${registry.url}/v2/_catalog`)).body)).toEqual({
      repositories: ['x'],
    })
  })
})
