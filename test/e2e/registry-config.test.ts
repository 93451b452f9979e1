import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { certificates } from '../kit/certificates.ts'
import { type ExecOptions, type Outcome, orch } from '../kit/exec.ts'
import { listen } from '../kit/listen.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { type LayeredImage, layeredImage } from './layered.ts'
import { expectError } from './loading.ts'

/** A project with these lines under `registries`; `ca.crt` lies in its folder `certs`. */
async function projectWith(registries: string): Promise<string> {
  const folder = await tempFolder('project')
  await mkdir(join(folder, 'certs'))
  await copyFile((await certificates()).ca, join(folder, 'certs/ca.crt'))
  await writeFile(join(folder, 'go.mod'), 'module example.com/tiny\n\ngo 1.24\n')
  await writeFile(join(folder, 'main.go'), 'package main\n\nfunc main() {}\n')
  const images =
    'images:\n  tiny:\n    build: {go: .}\n    base: scratch\n    platforms: [linux/amd64]\n'
  await writeFile(join(folder, 'orch.yaml'), `${registries}\n${images}`)
  return folder
}

/** A proxy that leads everybody to one address, whatever was asked for: by tunnels, or passing requests on. */
async function proxyTo(
  target: string,
): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = []
  const [host, port] = target.split(':')
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    const { host: wanted, pathname, search } = new URL(url)
    asked.push(wanted)
    const to = { host, port, method, path: `${pathname}${search}`, headers }
    const onward = request(to, answer => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  server.on('connect', ({ url = '' }, client) => {
    asked.push(url)
    const inner = connect({ host, port: Number(port) }, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(inner).pipe(client)
    })
    inner.on('error', () => client.destroy())
    client.on('error', () => inner.destroy())
  })
  const own = await listen(server)
  return { url: `http://127.0.0.1:${own.port}`, asked }
}

/** What a command says that succeeds. */
async function said(args: readonly string[], options: ExecOptions = {}): Promise<string> {
  const outcome = await orch(args, options)
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  return outcome.stdout.trim()
}

/** Every command that speaks to a registry, told where the project is: puts an image there, and looks at it. */
async function expectSpokenTo(
  host: string,
  image: LayeredImage,
  told: readonly string[],
  options: ExecOptions = {},
): Promise<void> {
  const name = `${host}/team/x`
  await said(
    [...told, 'copy', '--progress', 'quiet', `oci:${image.layout}`, `docker://${name}:1`],
    options,
  )
  expect(await said([...told, 'tag', `${name}:1`, '2'], options)).toBe(`${name}:2@${image.digest}`)
  expect((await said([...told, 'ls', name], options)).split('\n').sort()).toEqual(['1', '2'])
  expect(await said([...told, 'ls', host], options)).toBe('team/x')
  expect(await said([...told, 'digest', `${name}:2`], options)).toBe(image.digest)
  expect(await said([...told, 'validate', `${name}:2`], options)).toContain('valid; ')
  const back = join(await tempFolder('back'), 'oci')
  await said([...told, 'copy', '--progress', 'quiet', `${name}:2`, `oci:${back}`], options)
  expect(await said(['digest', `oci:${back}`])).toBe(image.digest)
}

needs('registry')('registries of a project file', () => {
  let image: LayeredImage
  let secure: Registry
  beforeAll(async () => {
    image = await layeredImage(['linux/amd64', 'linux/arm64'], 100_000)
    secure = await startRegistry({ tls: true, clientCertificates: true })
  })

  it('name who signs a certificate and what is shown, by paths from the project folder', async () => {
    const { client } = await certificates()
    const folder = await projectWith(`registries:
  "${secure.host}":
    ca: certs/ca.crt
    cert: ./certs/me.crt
    key: ${client.key}`)
    await copyFile(client.cert, join(folder, 'certs/me.crt'))
    const away = await tempFolder('away')
    await expectSpokenTo(secure.host, image, ['-f', join(folder, 'orch.yaml')], { cwd: away })
    // The folder is one matter, the project another: outside of one, commands take no project unasked.
    const named = ['-C', folder, '-f', 'orch.yaml']
    expect(await said([...named, 'ls', secure.host], { cwd: away })).toBe('team/x')
    expectError(await orch(['-C', folder, 'ls', secure.host]), {
      exitCode: 1,
      code: 'REGISTRY_TLS',
      says: [secure.host],
    })
  })

  it('are those of a build and its base, from anywhere in the project', async () => {
    const { host } = await startRegistry({ tls: true })
    const folder = await projectWith(`registries: {"${host}": {ca: certs/ca.crt}}`)
    const told = ['-f', join(folder, 'orch.yaml')]
    const base = `docker://${host}/base/x:1`
    await said([...told, 'copy', '--progress', 'quiet', `oci:${image.layout}`, base])
    await mkdir(join(folder, 'deep/er'), { recursive: true })
    const text = `registries: {"${host}": {ca: certs/ca.crt}}
images: {tiny: {build: {go: .}, base: "${host}/base/x:1", platforms: [linux/amd64]}}
export: ["registry,repository=${host}/team"]
`
    await writeFile(join(folder, 'orch.yaml'), text)
    for (const args of [['-C', join(folder, 'deep/er')], ['-C', folder], told]) {
      const built = await said([...args, 'build', '--progress', 'quiet'])
      expect(built).toMatch(`${host}/team/tiny@sha256:`)
    }
    const locked = await said(['-C', folder, 'lock'])
    expect(locked).toBe(`${host}/base/x:1 ${image.digest} added`)
    expect(await said(['-C', folder, 'fetch'])).toContain(image.digest)
  })

  it('waive a certificate, or TLS, for that host alone', async () => {
    const [one, other] = await Promise.all([
      startRegistry({ tls: true }),
      startRegistry({ tls: true }),
    ])
    const folder = await projectWith(`registries: {"${one.host}": {skip-verify: true}}`)
    const told = ['-f', join(folder, 'orch.yaml')]
    await expectSpokenTo(one.host, image, told)
    const strict = { exitCode: 1, code: 'REGISTRY_TLS', says: [other.host] }
    expectError(await orch([...told, 'ls', other.host]), strict)
  })

  it('say that one of this machine speaks no HTTP', async () => {
    const { host } = await startRegistry()
    const folder = await projectWith(`registries: {"${host}": {plain-http: false}}`)
    const asked = ['ls', `${host}/team/x`]
    expectError(await orch(['-f', join(folder, 'orch.yaml'), ...asked]), {
      exitCode: 1,
      code: 'REGISTRY_TLS',
      says: [host],
    })
    expectError(await orch(asked), { exitCode: 1, code: 'REGISTRY_NOT_FOUND', says: [host] })
  })

  it('say that one elsewhere speaks HTTP, which is reached by a proxy', async () => {
    const plain = await startRegistry()
    const proxy = await proxyTo(plain.host)
    const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: undefined }
    const folder = await projectWith('registries: {registry.invalid: {plain-http: true}}')
    const told = ['-f', join(folder, 'orch.yaml')]
    await expectSpokenTo('registry.invalid', image, told, { env })
    expect(proxy.asked.length).toBeGreaterThan(0)
    for (const asked of proxy.asked) expect(asked).toMatch(/^registry\.invalid(?::80)?$/)
    expect((await orch(['ls', 'registry.invalid'], { env })).exitCode).toBe(1)
    expect(proxy.asked.at(-1)).toBe('registry.invalid:443')
    const past = { ...env, NO_PROXY: '.invalid' }
    const count = proxy.asked.length
    expect((await orch([...told, 'ls', 'registry.invalid'], { env: past })).exitCode).toBe(1)
    expect(proxy.asked).toHaveLength(count)
  })

  it('name mirrors, which answer for a host that is not there, below a folder or not', async () => {
    const mirror = await startRegistry()
    const put = (path: string): Promise<string> =>
      said([
        'copy',
        '--progress',
        'quiet',
        `oci:${image.layout}`,
        `docker://${mirror.host}/${path}`,
      ])
    await put('team/x:1')
    await put('hub/team/y:1')
    const folder = await projectWith(`registries:
  registry.invalid:
    mirrors: [${mirror.host}, ${mirror.host}/hub]`)
    const told = ['-f', join(folder, 'orch.yaml')]
    for (const name of ['team/x', 'team/y']) {
      expect(await said([...told, 'digest', `registry.invalid/${name}:1`])).toBe(image.digest)
      const back = `oci:${join(await tempFolder('back'), 'oci')}`
      await said([...told, 'copy', '--progress', 'quiet', `registry.invalid/${name}:1`, back])
      expect(await said(['digest', back])).toBe(image.digest)
    }
    const pushed = await orch([
      ...told,
      'copy',
      `oci:${image.layout}`,
      'docker://registry.invalid/z:1',
    ])
    expectError(pushed, {
      exitCode: 1,
      code: 'REGISTRY_UNREACHABLE',
      says: ['registry.invalid'],
    })
  })

  it.each([
    [
      'registries:\n  example.com:\n    plain_http: true',
      'orch.yaml:3:5: registries["example.com"].plain_http: unknown key; expected one of mirrors, plain-http',
    ],
    ['registries:\n  Example/x: {}', 'orch.yaml:2:3: registries["Example/x"]: expected a host'],
    [
      'registries:\n  example.com: {concurrency: 0}',
      'orch.yaml:2:30: registries["example.com"].concurrency: expected at least 1',
    ],
    ['registries: [example.com]', 'orch.yaml:1:13: registries: expected a map'],
  ])('that are wrong are named with their place: %s', async (registries, says) => {
    const folder = await projectWith(registries)
    const outcomes: Outcome[] = [
      await orch(['-C', folder, 'build']),
      await orch(['-C', folder, '-f', 'orch.yaml', 'ls', 'example.com']),
    ]
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ exitCode: 2, stdout: '' })
      expect(outcome.stderr).toContain('[CONFIG_INVALID]')
      expect(outcome.stderr).toContain(says)
    }
  })
})
