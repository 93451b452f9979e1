import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { beforeAll, describe, expect, it } from 'vitest'
import { certificates } from './certificates.ts'
import { exec } from './exec.ts'
import { helloArchive } from './hello-archive.ts'
import { type Registry, startRegistry } from './registry.ts'
import { digestOf } from './scripted/memory.ts'
import { eachRegistry } from './services.ts'
import { account, basic } from './token-server.ts'
import { toolProgram } from './tools.ts'

const octets = { 'content-type': 'application/octet-stream' }
const kinds = [{}, { auth: 'htpasswd' }, { auth: 'token' }, { auth: 'token', tls: true }] as const

eachRegistry(
  'crane',
  'regctl',
  'skopeo',
)('a registry of the kit', version => {
  describe.each(kinds)('%o', options => {
    let registry: Registry
    let image: string
    beforeAll(async () => {
      registry = await startRegistry({ version, ...options })
      image = `${registry.host}/team/hello:1`
    })

    it('works with skopeo, crane and regctl, for those who may', async () => {
      const { env } = registry
      const insecure = 'tls' in options ? [] : ['--dest-tls-verify=false']
      const archive = `oci-archive:${await helloArchive('hello')}`
      const copy = ['copy', '--all', ...insecure, archive, `docker://${image}`]
      expect((await exec('skopeo', copy, { env })).stderr).toBe('')
      const crane = await exec(toolProgram('crane'), ['validate', '--remote', image], { env })
      expect(crane).toMatchObject({ exitCode: 0, stdout: `PASS: ${image}\n` })
      const regctl = await exec(
        toolProgram('regctl'),
        ['tag', 'ls', `${registry.host}/team/hello`],
        { env },
      )
      expect(regctl).toMatchObject({ exitCode: 0, stdout: '1\n' })
    })

    it('has no answer for others', async () => {
      const env = { ...registry.env, DOCKER_CONFIG: '/nowhere', REGISTRY_AUTH_FILE: undefined }
      const { exitCode, stderr } = await exec(
        toolProgram('crane'),
        ['ls', `${registry.host}/team/hello`],
        { env },
      )
      expect(exitCode).toBe('auth' in options ? 1 : 0)
      if ('auth' in options) expect(stderr).toContain('UNAUTHORIZED')
      if ('tls' in options) await expect(fetch(`${registry.url}/v2/`)).rejects.toThrow()
    })
  })

  it('keeps its data, its port and uploads under way when it is killed', async () => {
    const registry = await startRegistry({ version, relativeUrls: true })
    const begun = await fetch(`${registry.url}/v2/x/blobs/uploads/`, { method: 'POST' })
    const at = (answer: Response) => registry.url + answer.headers.get('location')
    const half = await fetch(at(begun), { method: 'PATCH', body: 'half', headers: octets })
    expect(half.status).toBe(202)
    const { pid } = registry
    await registry.kill()
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    await expect(fetch(registry.url)).rejects.toThrow()
    await registry.restart()
    expect(registry.pid).not.toBe(pid)
    const digest = digestOf(Buffer.from('halfhalf'))
    const done = await fetch(`${at(half)}&digest=${digest}`, { method: 'PUT', body: 'half' })
    expect(done.status).toBe(201)
    await registry.restart()
    expect(await (await fetch(`${registry.url}/v2/x/blobs/${digest}`)).text()).toBe('halfhalf')
    await registry.stop()
    await registry.stop()
    expect(existsSync(`/proc/${registry.pid}`)).toBe(false)
  })

  it('refuses a token at its end, and one that allows something else', async () => {
    const registry = await startRegistry({ version, auth: 'token' })
    const { tokens } = registry
    if (tokens === undefined) throw new Error('it has no token server')
    const ask = async (scope: string) => {
      const query = new URLSearchParams({ service: tokens.service, scope })
      const answer = await fetch(`${tokens.realm}?${query}`, { headers: { authorization: basic } })
      return ((await answer.json()) as { token: string }).token
    }
    const begin = async (token: string) =>
      (
        await fetch(`${registry.url}/v2/x/blobs/uploads/`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
        })
      ).status
    expect(await begin(await ask('repository:x:pull'))).toBe(401)
    // Its end is told in whole seconds, so with 1 it may end at once.
    tokens.settings.life = 5
    const short = await ask('repository:x:pull,push')
    expect(await begin(short)).toBe(202)
    await expect.poll(() => begin(short), { timeout: 60_000 }).toBe(401)
    expect(tokens.requests).toHaveLength(2)
    expect(tokens.requests[0]).toMatchObject({
      method: 'GET',
      by: 'basic',
      scopes: ['repository:x:pull'],
    })
  })

  it('asks for a certificate of the client', async () => {
    const registry = await startRegistry({ version, tls: true, clientCertificates: true })
    const { ca, client } = await certificates()
    const [authority, cert, key] = await Promise.all(
      [ca, client.cert, client.key].map(file => readFile(file)),
    )
    const status = (own: object) =>
      new Promise(resolve => {
        request(`${registry.url}/v2/`, { ca: authority, agent: false, ...own }, answer =>
          resolve(answer.statusCode),
        )
          .on('error', error => resolve('refused' in error ? error : 'refused'))
          .end()
      })
    expect(await status({ cert, key })).toBe(200)
    expect(await status({})).toBe('refused')
  })

  it('serves what another registry has, and removes nothing when told so', async () => {
    const upstream = await startRegistry({ version, delete: false })
    const begun = await fetch(`${upstream.url}/v2/x/blobs/uploads/`, { method: 'POST' })
    const digest = digestOf(Buffer.from('far'))
    const put = `${begun.headers.get('location')}&digest=${digest}`
    expect((await fetch(put, { method: 'PUT', body: 'far' })).status).toBe(201)
    const blob = `/v2/x/blobs/${digest}`
    expect((await fetch(upstream.url + blob, { method: 'DELETE' })).status).toBe(405)
    const mirror = await startRegistry({ version, mirrorOf: upstream.url })
    expect(await (await fetch(mirror.url + blob)).text()).toBe('far')
    expect((await fetch(`${mirror.url}/v2/x/blobs/uploads/`, { method: 'POST' })).status).toBe(405)
  })
})

it('has a password that encodings stumble over', () => {
  expect(encodeURIComponent(account.password)).not.toBe(account.password)
})
