import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Outcome, orch } from '../kit/exec.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { type ScriptedRegistry, startScriptedRegistry } from '../kit/scripted-registry.ts'
import { eachRegistry, needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { account, startTokenServer, type TokenServer } from '../kit/token-server.ts'
import { type LayeredImage, layeredImage } from './layered.ts'
import { expectError } from './loading.ts'

const { name, password } = account
const auth = base64(`${name}:${password}`)
const identity = 'kit-identity-token-canary'
const wrong = 'not-the-password-canary'
/** What nobody may read anywhere, in every form in which it could be there. */
const secrets = [password, identity, wrong, auth, base64(`${name}:${wrong}`), base64(password)]
  .flatMap(text => [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)])
  .concat('eyJ') // how every token begins

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

let image: LayeredImage
beforeAll(async () => {
  image = await layeredImage(['linux/amd64', 'linux/arm64'], 1_000_000)
})

type Env = Readonly<Record<string, string>>

/** An environment in which config.json holds this, and podman knows nothing. */
async function configured(config: object): Promise<Env> {
  const folder = await tempFolder('docker')
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
  return { DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: join(folder, 'none.json') }
}

/** Beside it a program docker-credential-kit that answers so. */
async function withHelper(config: object, answer: object): Promise<Env> {
  const bin = join(await tempFolder('helper'), 'bin')
  await mkdir(bin)
  const script = `#!/bin/sh\ncat > /dev/null\necho '${JSON.stringify(answer)}'\n`
  await writeFile(join(bin, 'docker-credential-kit'), script, { mode: 0o755 })
  return { ...(await configured(config)), PATH: `${bin}${delimiter}${process.env['PATH']}` }
}

/** Who may come in, by how it is told; all of them are the kit's account. */
const accounts: Readonly<Record<string, (host: string) => Promise<Env>>> = {
  'user and password': host => configured({ auths: { [host]: { auth } } }),
  'user and password apart': host =>
    configured({ auths: { [host]: { username: name, password } } }),
  'an entry of the folder above the repository': host =>
    configured({
      auths: { [host]: { auth: base64(`${name}:${wrong}`) }, [`${host}/team`]: { auth } },
    }),
  'a helper of the host': host =>
    withHelper({ credHelpers: { [host]: 'kit' } }, { Username: name, Secret: password }),
  'a store for all hosts': () =>
    withHelper({ credsStore: 'kit' }, { Username: name, Secret: password }),
  "podman's file": async host => {
    const file = join(await tempFolder('podman'), 'auth.json')
    await writeFile(file, JSON.stringify({ auths: { [host]: { auth } } }))
    return { ...(await configured({})), REGISTRY_AUTH_FILE: file }
  },
}

/** Refresh tokens: only token servers know them. */
const identities: typeof accounts = {
  'an identity token': host => configured({ auths: { [host]: { identitytoken: identity } } }),
  'an identity token of a helper': host =>
    withHelper({ credHelpers: { [host]: 'kit' } }, { Username: '<token>', Secret: identity }),
}

/** Runs orch with all that it can say; none of it holds a secret. */
async function told(env: Env, ...args: readonly string[]): Promise<Outcome> {
  const outcome = await orch(['--verbose', ...args], { env })
  for (const secret of secrets) expect(outcome.stdout + outcome.stderr).not.toContain(secret)
  return outcome
}

const pushTo = (place: string, env: Env): Promise<Outcome> =>
  told(env, 'copy', '--json', '--progress', 'rawjson', `oci:${image.layout}`, place)

/** A push that is refused: the document says so too. */
async function expectRefusedPush(host: string, env: Env): Promise<void> {
  const outcome = await pushTo(`docker://${host}/team/z:1`, env)
  expectError({ ...outcome, stdout: '' }, { exitCode: 1, code: 'REGISTRY_DENIED', says: [host] })
  expect(JSON.parse(outcome.stdout)).toMatchObject({
    ok: false,
    images: [{ exports: [], errors: [{ code: 'REGISTRY_DENIED' }] }],
  })
}

async function expectPushed(place: string, env: Env): Promise<void> {
  const { exitCode, stderr } = await pushTo(place, env)
  expect(exitCode, stderr).toBe(0)
}

/** Pushes, copies to a neighbour, and asks for tags and digest: all with the one account. */
async function expectWelcome(host: string, env: Env): Promise<void> {
  await expectPushed(`docker://${host}/team/x:1`, env)
  const copied = await told(env, 'copy', '--json', `${host}/team/x:1`, `docker://${host}/team/y:1`)
  expect(copied.exitCode, copied.stderr).toBe(0)
  expect(JSON.parse(copied.stdout).images[0].exports[0].details.sent.blobs).toBe(0)
  expect(await told(env, 'digest', `${host}/team/y:1`)).toMatchObject({
    exitCode: 0,
    stdout: `${image.digest}\n`,
  })
  expect(await told(env, 'ls', `${host}/team/y`)).toMatchObject({ exitCode: 0, stdout: '1\n' })
}

/** It is refused with an error that says where and what to do. */
async function expectDenied(host: string, env: Env): Promise<void> {
  const expected = { exitCode: 1, code: 'REGISTRY_DENIED', says: [host] }
  await expectRefusedPush(host, env)
  const calls = [
    ['copy', '--progress', 'plain', `oci:${image.layout}`, `docker://${host}/team/z:1`],
    ['digest', `${host}/team/x:1`],
    ['ls', `${host}/team/x`],
    ['tag', `${host}/team/x:1`, '2'],
  ]
  await Promise.all(calls.map(async args => expectError(await told(env, ...args), expected)))
}

eachRegistry()('a registry', version => {
  it('that is open to all asks for nothing, and is told nothing', async () => {
    const { host } = await startRegistry({ version })
    await expectWelcome(host, await configured({ auths: { [host]: { auth } } }))
  })

  describe.each([
    ['Basic', { auth: 'htpasswd' }],
    ['Bearer', { auth: 'token' }],
    ['Bearer over TLS', { auth: 'token', tls: true }],
  ] as const)('that wants %s', (kind, options) => {
    let registry: Registry
    let trust: Env
    beforeAll(async () => {
      registry = await startRegistry({ version, ...options })
      const { SSL_CERT_FILE: ca } = registry.env
      trust = ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca }
    })
    it('takes the account in every command', async () => {
      const { host } = registry
      await expectWelcome(host, {
        ...(await configured({ auths: { [host]: { auth } } })),
        ...trust,
      })
    })

    const ways = Object.entries({ ...accounts, ...(kind === 'Basic' ? {} : identities) })
    it.each(ways)('takes %s', async (way, env) => {
      const { host } = registry
      const name = way.replace(/\W+/g, '-')
      await expectPushed(`docker://${host}/team/${name}:1`, { ...(await env(host)), ...trust })
    })

    it('refuses a wrong password, and nobody at all', async () => {
      const { host } = registry
      const config = { auths: { [host]: { auth: base64(`${name}:${wrong}`) } } }
      await expectDenied(host, { ...(await configured(config)), ...trust })
      await expectRefusedPush(host, { ...(await configured({})), ...trust })
    })
  })
})

needs('openssl')('a token that ends', () => {
  interface Place {
    readonly server: ScriptedRegistry
    readonly tokens: TokenServer
    readonly env: Env
  }
  async function placeOf(entry: object = { auth }): Promise<Place> {
    const tokens = await startTokenServer()
    const server = await startScriptedRegistry({ door: tokens })
    return { server, tokens, env: await configured({ auths: { [server.host]: entry } }) }
  }

  it.each([
    ['a password', { auth }, 'basic'],
    ['an identity token', { identitytoken: identity }, 'refresh'],
  ])(
    'in mid-upload is renewed by %s, and the blob sent from its beginning',
    async (_, entry, by) => {
      const { server, tokens, env } = await placeOf(entry)
      const revoke = { first: () => tokens.revoke() }
      server.fail({ method: 'PUT', path: '/blobs/uploads/' }, revoke)
      server.fail({ method: 'PUT', path: '/manifests/' }, revoke)
      await expectPushed(`docker://${server.host}/team/x:1`, env)
      expect(server.requests.filter(({ status }) => status === 401).length).toBeGreaterThan(1)
      expect(new Set(tokens.requests.map(request => request.by))).toEqual(new Set([by]))
      const valid = await told(env, 'validate', `${server.host}/team/x:1`)
      expect(valid.exitCode, valid.stderr).toBe(0)
      expect(server.uploads.size).toBe(0)
    },
  )

  it('sooner than the server said is renewed', async () => {
    const { server, tokens, env } = await placeOf()
    Object.assign(tokens.settings, { life: 1, says: 300 })
    server.fail({ method: 'PUT', path: '/manifests/', times: 2 }, { delay: 1100 })
    await expectPushed(`docker://${server.host}/team/x:1`, env)
    expect(tokens.requests.length).toBeGreaterThan(1)
  })

  it('and is not renewed, as the account was closed meanwhile, fails clean', async () => {
    const { server, tokens, env } = await placeOf()
    const close = () => {
      tokens.revoke()
      tokens.settings.deny = () => true
    }
    server.fail({ method: 'PUT', path: '/blobs/uploads/' }, { first: close })
    await expectRefusedPush(server.host, env)
    expect(server.repositories.get('team/z')?.tags.size ?? 0).toBe(0)
  })

  it('never comes to the host that has the blobs', async () => {
    const { server, env } = await placeOf()
    const other = await startScriptedRegistry({ address: '127.0.0.2' })
    await expectPushed(`docker://${server.host}/team/x:1`, env)
    server.quirks.blobsAt = other.url
    for (const [digest, bytes] of server.repositories.get('team/x')?.blobs ?? [])
      expect(other.addBlob('team/x', bytes)).toBe(digest)
    const to = join(await tempFolder('pulled'), 'oci')
    const pulled = await told(env, 'copy', `${server.host}/team/x:1`, `oci:${to}`)
    expect(pulled.exitCode, pulled.stderr).toBe(0)
    expect(other.requests.length).toBeGreaterThan(0)
    expect(new Set(other.requests.map(request => request.auth))).toEqual(new Set(['none']))
  })
})
