import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Outcome, orch, run } from '../kit/exec.ts'
import { listen } from '../kit/listen.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { eachRegistry, needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { type LayeredImage, layeredImage } from './layered.ts'
import { helloProject, regclientProject } from './projects.ts'

const platforms = ['linux/amd64', 'linux/arm64']

/** A server that lets nobody through and counts who came. */
interface Trap {
  readonly server: Server
  came: number
}

function trap(): Trap {
  const made = { came: 0, server: createServer() }
  made.server.on('connection', socket => {
    made.came += 1
    socket.destroy()
  })
  return made
}

/** Whatever leads to the network leads to this port instead. */
function proxied(port: number): Record<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']
  const proxy = `http://127.0.0.1:${port}`
  return Object.fromEntries(names.flatMap(name => [name, name.toLowerCase()]).map(n => [n, proxy]))
}

/** A copy of the hello project on another base. */
async function projectOn(...base: readonly string[]): Promise<string> {
  const folder = await helloProject()
  const file = join(folder, 'orch.yaml')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace(/base: static.*/, `base: ${base.join('\n      ')}`))
  return folder
}

function digestIn({ exitCode, stdout, stderr }: Outcome): string {
  expect(exitCode, stderr).toBe(0)
  return stdout.trim().split('@')[1] ?? ''
}

eachRegistry()('a base that orch.lock holds', version => {
  let registry: Registry
  let reference = ''
  let old: LayeredImage
  let folder = ''
  let cache = ''
  let online = ''
  const on = (...args: readonly string[]): Promise<Outcome> =>
    orch(['-C', folder, ...args], { cache })

  async function push({ layout }: LayeredImage): Promise<void> {
    const { exitCode, stderr } = await orch(['copy', `oci:${layout}`, `docker://${reference}`])
    expect(exitCode, stderr).toBe(0)
  }

  beforeAll(async () => {
    registry = await startRegistry({ version })
    reference = `${registry.host}/base/one:1`
    old = await layeredImage([...platforms, 'linux/s390x'], 300_000)
    await push(old)
    folder = await projectOn(reference)
    cache = await tempFolder('cache')
  })

  it('is not there yet: --locked says so, and builds ask the registry', async () => {
    const outcome = await on('build', '--locked')
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' })
    expect(outcome.stderr).toContain(`there is no orch.lock to hold ${reference}`)
    expect(outcome.stderr).toContain('[LOCK_STALE]')
    online = digestIn(await on('build'))
  })

  it('is written by orch lock, and stays what it was when its tag moves', async () => {
    expect((await on('lock')).stdout).toBe(`${reference} ${old.digest} added\n`)
    const text = await readFile(join(folder, 'orch.lock'), 'utf8')
    expect(JSON.parse(text)).toEqual({
      version: 1,
      bases: { [reference]: { digest: old.digest } },
    })
    await push(await layeredImage(platforms, 10))
    expect((await on('lock')).stdout).toBe(`${reference} ${old.digest}\n`)
    expect(await readFile(join(folder, 'orch.lock'), 'utf8')).toBe(text)
    expect(digestIn(await on('build', '--locked'))).toBe(online)
    expect((await on('plan')).stdout).toContain(`base       ${reference} ${old.digest}`)
  })

  it('is fetched for the platforms that are built, and builds offline to the same digest', async () => {
    cache = await tempFolder('cache')
    // The limit takes from the cache whatever it can.
    const env = { ORCH_CACHE_LIMIT: '0' }
    const fetched = await orch(['-C', folder, 'fetch', '--locked'], { cache, env })
    expect(fetched.exitCode, fetched.stderr).toBe(0)
    expect(fetched.stdout).toContain(`${reference} ${old.digest} ${platforms.join(',')} `)
    await registry.stop()
    const host = trap()
    const proxy = trap()
    const { port } = await listen(proxy.server)
    host.server.listen(Number(registry.host.split(':')[1]), '127.0.0.1')
    await once(host.server, 'listening')
    try {
      const built = await orch(
        ['-C', folder, 'build', '--locked', '--offline', '-e', 'layout,dest=x'],
        {
          cache,
          env: { ...env, ...proxied(port) },
        },
      )
      expect(digestIn(built)).toBe(online)
      const valid = await orch(['validate', `oci:${folder}/x`])
      expect(valid.stdout, valid.stderr).toContain('platforms linux/amd64, linux/arm64')
      const more = await on('build', '--offline', '--platform', 'linux/s390x')
      expect(more).toMatchObject({ exitCode: 1, stdout: '' })
      expect(more.stderr).toMatch(/\[OFFLINE\][\s\S]*orch fetch/)
      expect([host.came, proxy.came]).toEqual([0, 0])
    } finally {
      host.server.close()
      await registry.restart()
    }
  })

  it('is asked for again by orch lock --update, and leaves when no image needs it', async () => {
    const updated = await on('lock', '--update', reference)
    expect(updated.stdout).toMatch(
      new RegExp(`^${reference} sha256:\\w+ instead of ${old.digest}\n$`),
    )
    expect(digestIn(await on('build', '--locked'))).not.toBe(online)
    const unknown = await on('lock', '--update', 'debian')
    expect(unknown.exitCode).toBe(2)
    expect(unknown.stderr).toContain('[BASE_UNKNOWN]')
    const other = await projectOn('static')
    await writeFile(join(other, 'orch.lock'), await readFile(join(folder, 'orch.lock')))
    const left = await orch(['-C', other, 'lock'])
    expect(left.stdout).toMatch(/ removed\n$/)
    expect(JSON.parse(await readFile(join(other, 'orch.lock'), 'utf8')).bases).toEqual({})
  })

  it('need not be: what orch fetch found its tag to mean holds offline', async () => {
    await rm(join(folder, 'orch.lock'))
    cache = await tempFolder('cache')
    const before = await on('build', '--offline')
    expect(before).toMatchObject({ exitCode: 1, stdout: '' })
    expect(before.stderr).toContain(`the base ${reference} is in a registry`)
    expect((await on('fetch')).exitCode).toBe(0)
    const now = digestIn(await on('build'))
    await push(await layeredImage(platforms, 20))
    await registry.stop()
    expect(digestIn(await on('build', '--offline'))).toBe(now)
    await registry.restart()
    expect((await on('cache', 'ls')).stdout).toContain(`kept tag ${reference}`)
  })
})

eachRegistry()('bases by platform', version => {
  it('come from several images, and the index names none of them', async () => {
    const { host } = await startRegistry({ version })
    const refs: string[] = []
    for (const platform of platforms) {
      const { layout } = await layeredImage([platform], 10)
      const reference = `${host}/base/${platform.replace('/', '-')}:1`
      const { exitCode, stderr } = await orch(['copy', `oci:${layout}`, `docker://${reference}`])
      expect(exitCode, stderr).toBe(0)
      refs.push(reference)
    }
    const [amd64 = '', arm64 = ''] = refs
    const folder = await projectOn('', `  linux/amd64: ${amd64}`, `  default: ${arm64}`)
    digestIn(await orch(['-C', folder, 'build']))
    const shown = await orch(['inspect', '--json', `oci:${folder}/dist/oci`])
    expect(shown.stdout.match(/org.opencontainers.image.base.name": "[^"]*/g)).toEqual(
      refs.map(reference => `org.opencontainers.image.base.name": "${reference}`),
    )
    const lock = await orch(['-C', folder, 'lock'])
    expect(
      lock.stdout
        .trim()
        .split('\n')
        .map(line => line.split(' ')[0]),
    ).toEqual(refs)
    const missing = await orch(['-C', folder, 'build', '--platform', 'linux/s390x'])
    expect(missing.stderr).toContain(`its base ${arm64} has no linux/s390x; it has linux/arm64`)
  })
})

needs('regclient')('Go modules', () => {
  it('are fetched, for the platforms that are built, where the go command keeps them', async () => {
    const folder = await regclientProject()
    const modules = join(await tempFolder('modules'), 'mod')
    const [known, proxies] = (await run('go', ['env', 'GOMODCACHE', 'GOPROXY'])).split('\n')
    const env = {
      GOMODCACHE: modules,
      GOPROXY: `file://${known}/cache/download,${proxies}`,
      GOFLAGS: '-modcacherw',
    }
    const args = ['regctl', '--platform', 'linux/amd64,windows/amd64']
    const early = await orch(['-C', folder, 'build', '--offline', ...args], { env })
    expect(early.exitCode).toBe(1)
    const fetched = await orch(['-C', folder, 'fetch', ...args], { env })
    expect(fetched.exitCode, fetched.stderr).toBe(0)
    const proxy = trap()
    const { port } = await listen(proxy.server)
    const away = { ...env, ...proxied(port), GOPROXY: `http://127.0.0.1:${port}` }
    digestIn(await orch(['-C', folder, 'build', '--offline', ...args], { env: away }))
    expect(proxy.came).toBe(0)
  })
})
