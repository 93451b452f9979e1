import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { dockerConfig, entry, folder } from '../testing.ts'
import { askHelper } from './helper.ts'
import { createKeychain, type Keychain } from './keychain.ts'
import { createSecrets } from './secrets.ts'

const keychain = (env: Record<string, string | undefined>): Keychain =>
  createKeychain({
    env: { HOME: folder(), PATH: process.env['PATH'], ...env },
    secrets: createSecrets(),
  })

const passwordOf = async (
  chain: Keychain,
  domain: string,
  repository?: string,
): Promise<unknown> => {
  const found = await chain.find(domain, repository)
  return found?.credentials.kind === 'basic' ? found.credentials.password : found?.credentials
}

function write(path: string, document: unknown): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify(document))
  return path
}

/** A PATH with docker-credential-<name> in it. */
function helper(name: string, script: string): string {
  const bin = folder()
  writeFileSync(join(bin, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, `docker-credential-${name}`), 0o755)
  return `${bin}:${process.env['PATH']}`
}

describe('credentials come', () => {
  it.each(['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'registry-1.docker.io'])(
    'for Docker Hub from the key %s',
    async key => {
      const chain = keychain({
        DOCKER_CONFIG: dockerConfig({ auths: { [key]: entry('a', 'pass') } }),
      })
      expect(await passwordOf(chain, 'docker.io', 'library/x')).toBe('pass')
    },
  )

  it('for Docker Hub from its own entry, whatever docker login by browser puts beside it', async () => {
    const auths = {
      'docker.io': entry('a', 'other'),
      'https://index.docker.io/v1/': entry('a', 'pass'),
      'https://index.docker.io/v1/access-token': entry('a', 'access'),
      'https://index.docker.io/v1/refresh-token': entry('a', 'refresh'),
    }
    for (const entries of [Object.entries(auths), Object.entries(auths).toReversed()]) {
      const config = { auths: Object.fromEntries(entries) }
      const chain = keychain({ DOCKER_CONFIG: dockerConfig(config) })
      expect(await passwordOf(chain, 'docker.io', 'library/x')).toBe('pass')
    }
  })

  it('from the most specific key', async () => {
    const auths = {
      'r.example': entry('a', 'host'),
      'r.example/team': entry('a', 'team'),
      'r.example/team/x': entry('a', 'x'),
      'https://old.example/v2/': entry('a', 'old'),
    }
    const chain = keychain({ DOCKER_CONFIG: dockerConfig({ auths }) })
    expect(await passwordOf(chain, 'r.example', 'team/x')).toBe('x')
    expect(await passwordOf(chain, 'r.example', 'team/x/y')).toBe('x')
    expect(await passwordOf(chain, 'r.example', 'team/xy')).toBe('team')
    expect(await passwordOf(chain, 'r.example', 'teams/x')).toBe('host')
    expect(await passwordOf(chain, 'old.example')).toBe('old')
    expect(await passwordOf(chain, 'r.example:443', 'team/x')).toBeUndefined()
  })

  it('in each of the forms that a file may have', async () => {
    const auths = {
      plain: { username: 'a', password: 'p:q' },
      colon: entry('a', 'p:q'),
      identity: { ...entry('a', ''), identitytoken: 'refresh' },
      registry: { registrytoken: 'access' },
      empty: {},
    }
    const chain = keychain({ DOCKER_CONFIG: dockerConfig({ auths }) })
    expect(await passwordOf(chain, 'plain')).toBe('p:q')
    expect(await passwordOf(chain, 'colon')).toBe('p:q')
    expect(await passwordOf(chain, 'identity')).toEqual({
      kind: 'identity',
      user: 'a',
      token: 'refresh',
    })
    expect(await passwordOf(chain, 'registry')).toEqual({ kind: 'registry', token: 'access' })
    expect(await passwordOf(chain, 'empty')).toBeUndefined()
  })

  it('from Docker first, then from the files of podman', async () => {
    const [home, runtime] = [folder(), folder()]
    write(join(home, '.docker/config.json'), { auths: { a: entry('u', 'docker') } })
    write(join(runtime, 'containers/auth.json'), {
      auths: { a: entry('u', 'run'), b: entry('u', 'run') },
    })
    const config = write(join(home, '.config/containers/auth.json'), {
      auths: { b: entry('u', 'config'), c: entry('u', 'config') },
    })
    const chain = keychain({ HOME: home, XDG_RUNTIME_DIR: runtime })
    const all = await Promise.all(['a', 'b', 'c', 'd'].map(domain => passwordOf(chain, domain)))
    expect(all).toEqual(['docker', 'run', 'config', undefined])
    const named = keychain({ HOME: home, XDG_RUNTIME_DIR: runtime, REGISTRY_AUTH_FILE: config })
    expect(await passwordOf(named, 'b')).toBe('config')
    write(config, { auths: { a: entry('u', 'named') } })
    const first = keychain({ HOME: home, REGISTRY_AUTH_FILE: config })
    expect(await passwordOf(first, 'a')).toBe('named')
    write(config, { auths: {} })
    const missing = keychain({ HOME: home, REGISTRY_AUTH_FILE: config })
    expect(await passwordOf(missing, 'a')).toBe('docker')
    const inline = JSON.stringify({ auths: { a: entry('u', 'inline') } })
    expect(await passwordOf(keychain({ HOME: home, DOCKER_AUTH_CONFIG: inline }), 'a')).toBe(
      'inline',
    )
  })

  it('from a helper, asked once, a host on its stdin', async () => {
    const asked = join(folder(), 'asked')
    const script = `read server; echo "$1 $server" >> ${asked}; echo '{"Username":"a","Secret":"s3cret"}'`
    const DOCKER_CONFIG = dockerConfig({ credHelpers: { 'r.example': 'one' }, credsStore: 'one' })
    const chain = keychain({ DOCKER_CONFIG, PATH: helper('one', script) })
    const domains = ['r.example', 'r.example', 'docker.io']
    const all = domains.map((domain, at) => passwordOf(chain, domain, `team/x${at}`))
    expect(await Promise.all(all)).toEqual(['s3cret', 's3cret', 's3cret'])
    expect(await passwordOf(chain, 'docker.io', 'team/y')).toBe('s3cret')
    const lines = readFileSync(asked, 'utf8').trim().split('\n').toSorted()
    expect(lines).toEqual(['get https://index.docker.io/v1/', 'get r.example'])
  })

  it('from the file where the helper has none', async () => {
    const PATH = helper('none', 'echo credentials not found in native keychain; exit 1')
    const auths = { 'r.example': entry('a', 'file') }
    const chain = keychain({ DOCKER_CONFIG: dockerConfig({ auths, credsStore: 'none' }), PATH })
    expect(await passwordOf(chain, 'r.example')).toBe('file')
    expect(await passwordOf(chain, 'other.example')).toBeUndefined()
  })

  it('from the file of a host whose helper has an empty name, the store not asked', async () => {
    const PATH = helper('one', `echo '{"Username":"a","Secret":"store"}'`)
    const auths = { 'r.example': entry('a', 'file') }
    const config = { auths, credHelpers: { 'r.example': '' }, credsStore: 'one' }
    const chain = keychain({ DOCKER_CONFIG: dockerConfig(config), PATH })
    expect(await passwordOf(chain, 'r.example', 'team/x')).toBe('file')
    expect(await passwordOf(chain, 'other.example')).toBe('store')
  })

  it('as an identity token where the helper says <token>', async () => {
    const PATH = helper('id', `echo '{"Username":"<token>","Secret":"refresh"}'`)
    const chain = keychain({ DOCKER_CONFIG: dockerConfig({ credsStore: 'id' }), PATH })
    expect(await passwordOf(chain, 'r.example')).toMatchObject({
      kind: 'identity',
      token: 'refresh',
    })
  })
})

describe('a configuration that cannot be used', () => {
  it.each([
    ['no JSON', '{"auths": {"r": {"auth": "canary'],
    ['no object', '["canary"]'],
    ['auths that is a list', '{"auths": ["canary"]}'],
    ['an entry that is text', '{"auths": {"r": "canary"}}'],
    ['an auth without a colon', '{"auths": {"r": {"auth": "Y2FuYXJ5"}}}'],
    ['a password that is a number', '{"auths": {"r": {"username": "canary", "password": 1}}}'],
    ['a token with a line', '{"auths": {"r": {"registrytoken": "canary\\r\\nX: y"}}}'],
    ['a helper that is a list', '{"credHelpers": {"r": ["canary"]}}'],
  ])('is named, and not shown: %s', async (_, text) => {
    const path = folder()
    writeFileSync(join(path, 'config.json'), text)
    const error = await keychain({ DOCKER_CONFIG: path })
      .find('r', undefined)
      .catch(thrown => thrown)
    expect(error).toMatchObject({ code: 'REGISTRY_CONFIG' })
    expect(error.message).toContain(join(path, 'config.json'))
    expect(`${error.stack} ${error.cause}`).not.toMatch(/canary|Y2FuYXJ5/)
  })

  it.each([
    ['is missing', 'ghost', ''],
    ['fails', 'bad', 'echo \'{"Secret":"canary"}\'; echo oops secret canary >&2; exit 3'],
    ['answers nonsense', 'bad', 'echo canary'],
    ['has a path for a name', '../bad', 'echo'],
  ])('whose helper %s is told without its output', async (_, name, script) => {
    const DOCKER_CONFIG = dockerConfig({ credsStore: name })
    const chain = keychain({ DOCKER_CONFIG, PATH: helper('bad', script) })
    const error = await chain.find('r', undefined).catch(thrown => thrown)
    expect(error).toMatchObject({
      code: 'REGISTRY_HELPER',
      hint: expect.stringContaining(DOCKER_CONFIG),
    })
    expect(`${error.stack} ${error.cause}`).not.toContain('canary')
  })

  it('whose helper asks a person is waited for', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const context = { env: { PATH: helper('slow', 'exec sleep 5') }, secrets: createSecrets() }
    let ended = false
    const asked = askHelper('slow', 'r', 'config', context).finally(() => {
      ended = true
    })
    asked.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(100_000)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(30_000)
    await expect(asked).rejects.toMatchObject({ code: 'REGISTRY_HELPER' })
  })

  it('whose helper hangs, its pipes in the hands of a child, is given up', async () => {
    const PATH = helper('slow', 'sleep 5 & wait')
    const context = { env: { PATH }, secrets: createSecrets(), milliseconds: 200 }
    const began = performance.now()
    await expect(askHelper('slow', 'r', 'config', context)).rejects.toMatchObject({
      code: 'REGISTRY_HELPER',
    })
    const signal = AbortSignal.timeout(100)
    await expect(
      askHelper('slow', 'r', 'config', { ...context, milliseconds: 9000, signal }),
    ).rejects.toThrow(/timeout/)
    expect(performance.now() - began).toBeLessThan(3000)
  })
})
