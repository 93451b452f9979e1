import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Endpoint, EndpointOptions } from './address.ts'
import { endpointOf } from './endpoint.ts'

let home: string
let folder: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orch-docker-home-'))
  folder = join(home, '.docker')
  await context('ci', { Host: 'tcp://ci.example:2376' }, ['ca', 'cert', 'key'])
  await context('lax', { Host: 'tcp://lax.example:2375', SkipTLSVerify: true }, [])
  await context('far', { Host: 'ssh://me@far.example:2222' }, [])
  await context('kube', undefined, [])
})

afterAll(async () => {
  await rm(home, { recursive: true })
})

async function context(name: string, docker: unknown, pems: readonly string[]): Promise<void> {
  const id = createHash('sha256').update(name).digest('hex')
  const meta = join(folder, 'contexts/meta', id)
  await mkdir(meta, { recursive: true })
  const document = { Name: name, Metadata: {}, Endpoints: docker === undefined ? {} : { docker } }
  await writeFile(join(meta, 'meta.json'), JSON.stringify(document))
  const tls = join(folder, 'contexts/tls', id, 'docker')
  await mkdir(tls, { recursive: true })
  for (const pem of pems) await writeFile(join(tls, `${pem}.pem`), '')
}

const at = (options: EndpointOptions, env: Record<string, string> = {}): Endpoint =>
  endpointOf(options, { HOME: home, ...env })

const usage = (code: string, message: RegExp, hint: RegExp): unknown =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  })

async function current(name: string): Promise<void> {
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: {}, currentContext: name }))
}

it('options go before DOCKER_HOST, that before DOCKER_CONTEXT, that before currentContext', async () => {
  await current('far')
  const env = { DOCKER_HOST: 'tcp://env', DOCKER_CONTEXT: 'lax' }
  expect(at({ host: 'unix:///a.sock' }, env).where).toBe('unix:///a.sock')
  expect(at({ context: 'ci' }, env).where).toBe('tcp://ci.example:2376 (context ci)')
  expect(at({}, env).where).toBe('tcp://env:2375')
  expect(at({}, { DOCKER_CONTEXT: 'lax' }).where).toBe('tcp://lax.example:2375 (context lax)')
  expect(at({}).where).toBe('ssh://me@far.example:2222 (context far)')
  await rm(join(folder, 'config.json'))
  expect(at({})).toMatchObject({ where: 'unix:///var/run/docker.sock', by: 'default' })
})

it('the context `default` is DOCKER_HOST, else the usual socket', async () => {
  await current('ci')
  expect(at({ context: 'default' }, { DOCKER_HOST: 'tcp://env:1' }).where).toBe('tcp://env:1')
  expect(at({}, { DOCKER_CONTEXT: 'default' }).where).toBe('unix:///var/run/docker.sock')
  await rm(join(folder, 'config.json'))
})

it('DOCKER_CONFIG says where contexts are', () => {
  const env = { HOME: '/nowhere', DOCKER_CONFIG: folder, DOCKER_CONTEXT: 'lax' }
  expect(endpointOf({}, env).where).toBe('tcp://lax.example:2375 (context lax)')
})

it('an unknown context, with those that there are', () => {
  expect(() => at({ context: 'cj' })).toThrow(
    usage('DOCKER_CONTEXT', /no Docker context "cj"/, /"ci"\?.*default, ci, far, kube, lax\.$/),
  )
  expect(() => at({}, { DOCKER_CONTEXT: 'ci2' })).toThrow(/DOCKER_CONTEXT/)
})

it('a context of no engine, and files that are broken', async () => {
  expect(() => at({ context: 'kube' })).toThrow(usage('DOCKER_CONTEXT', /of no engine/, /inspect/))
  await writeFile(join(folder, 'config.json'), '{')
  expect(() => at({})).toThrow(usage('DOCKER_CONTEXT', /config\.json.*JSON/, /Mend/))
  await rm(join(folder, 'config.json'))
  await mkdir(join(folder, 'config.json'))
  expect(() => at({})).toThrow(usage('DOCKER_CONTEXT', /config\.json.*EISDIR/, /Mend/))
  await rm(join(folder, 'config.json'), { recursive: true })
})

it('an address or a file that is empty, as none', async () => {
  await context('blank', { Host: '' }, [])
  const usual = { host: { kind: 'unix', path: '/var/run/docker.sock' } }
  expect(at({}, { DOCKER_HOST: ' ' })).toMatchObject(usual)
  expect(at({ context: 'blank' })).toMatchObject(usual)
  await writeFile(join(folder, 'config.json'), ' \n')
  expect(at({})).toMatchObject(usual)
  await rm(join(folder, 'config.json'))
})

describe('TLS', () => {
  const files = { ca: expect.anything(), cert: expect.anything(), key: expect.anything() }

  it('by the files of a context, or by its word that it is not checked', () => {
    expect(at({ context: 'ci' }).tls).toEqual({ ...files, verify: true })
    expect(at({ context: 'lax' }).tls).toMatchObject({ ca: undefined, verify: false })
    expect(at({ context: 'ci' }, { DOCKER_TLS: '1' }).tls?.verify).toBe(true)
  })

  it('by DOCKER_TLS_VERIFY, and by the usual port', () => {
    const certs = { DOCKER_CERT_PATH: '/certs' }
    const asked = { ...certs, DOCKER_TLS_VERIFY: '1' }
    expect(at({ host: 'tcp://a:1' }, certs).tls).toBeUndefined()
    expect(at({ host: 'tcp://a:1' }, asked).tls).toMatchObject({
      ca: '/certs/ca.pem',
      verify: true,
    })
    expect(at({ host: 'tcp://a:2376' }).tls).toMatchObject({ ca: undefined, verify: true })
    expect(at({ host: 'https://a' }).where).toBe('tcp://a:2376')
    expect(at({ host: 'http://a:2376' }, asked).tls).toBeUndefined()
    expect(at({ host: 'unix:///a' }, asked).tls).toBeUndefined()
  })

  it('DOCKER_TLS alone does not check, and takes the usual port for the usual socket', () => {
    expect(at({}, { DOCKER_TLS: '1' })).toMatchObject({
      where: 'tcp://localhost:2376',
      tls: { verify: false },
    })
  })
})

describe('addresses', () => {
  it.each([
    ['unix://', 'unix:///var/run/docker.sock'],
    ['npipe://', 'npipe:////./pipe/docker_engine'],
    ['build.example', 'tcp://build.example:2375'],
    ['tcp://:99', 'tcp://localhost:99'],
    ['tcp://[::1]:2375/engine/', 'tcp://[::1]:2375/engine'],
    ['ssh://far.example/run/user/1/docker.sock', 'ssh://far.example/run/user/1/docker.sock'],
  ])('%s', (given, where) => {
    expect(at({ host: given }).where).toBe(where)
  })

  it.each([
    ['/var/run/docker.sock', /unix:\/\/\/var\/run/],
    ['fd://', /unix:\/\/\/path/],
    ['tcp://a:70000', /unix:\/\/\/path/],
    ['tcp://me:secret@a:1', /unix:\/\/\/path/],
    ['tcp://💥', /unix:\/\/\/path/],
    ['ssh://-oProxyCommand=x', /unix:\/\/\/path/],
    ['ssh://-l@a', /unix:\/\/\/path/],
    ['ssh://a?b', /ssh:\/\/host/],
    ['ssh://', /ssh:\/\/host/],
  ])('%s is refused', (given, hint) => {
    expect(() => at({ host: given })).toThrow(usage('DOCKER_HOST', /cannot read/, hint))
  })

  it('a password is not shown', () => {
    expect(() => at({ host: 'ssh://me:secret@a' })).toThrow(/password/)
    expect(() => at({ host: 'ssh://me:secret@a' })).not.toThrow(/secret/)
    expect(() => at({ host: 'tcp://me:secret@a' })).not.toThrow(/secret/)
    expect(() => at({ host: 'tcp://me:not/secret@a' })).not.toThrow(/secret/)
    expect(() => at({ host: 'tcp://a?token=secret' })).not.toThrow(/secret/)
  })
})
