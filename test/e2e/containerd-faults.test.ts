import { chmod, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { atEnd } from '../kit/cleanup.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { exec, type Outcome, orch } from '../kit/exec.ts'
import { eachContainerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { smallDisk } from '../kit/tmpfs.ts'
import { anotherUser } from './another-user.ts'
import { expectError, expectLoaded, heldBy, largeImage, layoutOf, MiB } from './loading.ts'
import { filesProject } from './projects.ts'

const name = 'example.com/team/app:1'

let layout = ''
let large = ''
beforeAll(async () => {
  layout = await layoutOf(await testImage(), name)
  large = await layoutOf(await largeImage(64 * MiB))
})

const copyTo = (place: string): Promise<Outcome> =>
  orch(['copy', '--progress', 'quiet', `oci:${layout}`, `containerd:${name},${place}`])

/** Something that listens and is no containerd, until the end of the file. */
async function listening(server: Server, at: string | number): Promise<Server> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(typeof at === 'number' ? { port: at, host: '127.0.0.1' } : { path: at }, resolve)
  atEnd(async () => void server.close())
  await promise
  return server
}

describe('an address where no containerd is: orch copy says what is there instead,', () => {
  it('nothing', async () => {
    const path = join(await tempFolder('nothing'), 'c.sock')
    const says = [path, 'there is no socket']
    expectError(await copyTo(`address=${path}`), {
      exitCode: 1,
      code: 'CONTAINERD_UNREACHABLE',
      says,
    })
  })

  it('a file', async () => {
    const path = join(layout, 'oci-layout')
    const says = [path, 'not a socket']
    expectError(await copyTo(`address=${path}`), {
      exitCode: 1,
      code: 'CONTAINERD_UNREACHABLE',
      says,
    })
  })

  it('a socket that nobody listens on', async () => {
    const path = join(await tempFolder('left'), 'c.sock')
    const leave =
      "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))"
    await exec(process.execPath, ['-e', leave, path])
    const says = [path, 'nothing listens']
    expectError(await copyTo(`address=${path}`), {
      exitCode: 1,
      code: 'CONTAINERD_UNREACHABLE',
      says,
    })
  })

  it.each([
    ['a web server', () => createHttpServer((_, response) => void response.end('hello'))],
    ['a server that hangs up', () => createServer(socket => void socket.end())],
  ])('%s', async (_, make) => {
    const path = join(await tempFolder('foreign'), 'c.sock')
    await listening(make(), path)
    const says = [path, 'is no containerd']
    expectError(await copyTo(`address=${path}`), { exitCode: 1, code: 'CONTAINERD_FOREIGN', says })
  })

  it('a server without TLS, where there has to be some', async () => {
    const server = await listening(
      createHttpServer((_, response) => void response.end()),
      0,
    )
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const says = [`tcp://127.0.0.1:${port}`]
    const outcome = await copyTo(`address=tcp://127.0.0.1:${port}`)
    expectError(outcome, { exitCode: 1, code: 'CONTAINERD_TLS', says })
  })

  it('a port, which --offline forbids', async () => {
    const project = await filesProject([])
    const to = 'containerd,address=tcp://127.0.0.1:9'
    const outcome = await orch([
      '-C',
      project,
      'build',
      '--progress',
      'quiet',
      '--offline',
      '--tag',
      name,
      '--export',
      to,
    ])
    expectError(outcome, {
      exitCode: 2,
      code: 'CONTAINERD_OFFLINE',
      says: ['--offline', 'tcp://127.0.0.1:9'],
    })
  })
})

eachContainerd()('orch copy to a containerd that cannot do as it is asked', version => {
  let daemon: Containerd
  let earlier: TestImage
  let before: unknown
  beforeAll(async () => {
    daemon = await startContainerd({ version })
    earlier = await testImage(['linux/amd64'])
    const { address, namespace, snapshotter } = daemon
    const place = `address=${address},namespace=${namespace},snapshotter=${snapshotter}`
    const from = `oci:${await layoutOf(earlier)}`
    const loaded = await orch(['copy', from, `containerd:${name},${place}`])
    expect(loaded.exitCode, loaded.stderr).toBe(0)
    before = await heldBy(daemon)
  })

  /** A copy over the earlier image, of which nothing may be seen afterwards. */
  async function refused(
    more: string,
    expected: { exitCode: number; code: string; says: readonly string[] },
    copy: (place: string) => Promise<Outcome> = copyTo,
  ): Promise<string> {
    const { address, namespace } = daemon
    const outcome = await copy(`address=${address},namespace=${namespace}${more}`)
    expectError(outcome, expected)
    expect(await heldBy(daemon)).toEqual(before)
    return outcome.stderr
  }
  afterAll(() => expectLoaded(daemon, name, earlier))

  it('because its socket is another user’s', async () => {
    // What keeps the other user out is the socket's own mode.
    await chmod(dirname(daemon.address), 0o755)
    const run = await anotherUser(layout)
    const asAnother = (place: string): Promise<Outcome> =>
      run(['copy', '--progress', 'quiet', 'oci:oci', `containerd:${name},${place}`])
    const said = await refused(
      '',
      { exitCode: 1, code: 'CONTAINERD_DENIED', says: [daemon.address, 'EACCES'] },
      asAnother,
    )
    expect(said).toMatch(/hint: .*sudo/)
  })

  it('because it has no such snapshotter', async () => {
    const said = await refused(',snapshotter=nosuch', {
      exitCode: 1,
      code: 'CONTAINERD_SNAPSHOTTER',
      says: ['nosuch', daemon.address, 'has no such snapshotter'],
    })
    expect(said).toMatch(/hint: .*native/)
  })

  it('because the snapshotter did not start', async () => {
    const root = await tempFolder('root')
    await writeFile(join(root, 'io.containerd.snapshotter.v1.overlayfs'), 'in the way')
    const broken = await startContainerd({ version, root })
    const { address, namespace } = broken
    const outcome = await copyTo(`address=${address},namespace=${namespace},snapshotter=overlayfs`)
    expectError(outcome, {
      exitCode: 1,
      code: 'CONTAINERD_SNAPSHOTTER',
      says: ['overlayfs', address, 'did not start it'],
    })
    expect(outcome.stderr).toMatch(/hint: .*native/)
    await broken.stop()
  })

  it('because the image lacks a platform that shall be unpacked', async () => {
    await refused(',unpack=linux/s390x', {
      exitCode: 1,
      code: 'PLATFORM_MISSING',
      says: ['app', 'linux/s390x', 'linux/amd64, linux/arm64'],
    })
  })

  it.each([
    ['half-way through a layer', 24],
    ['half-way through unpacking', 100],
  ])('because its disk is full, %s', async (_, size) => {
    const full = await startContainerd({ version, root: await smallDisk(size * MiB) })
    const { address, namespace, snapshotter } = full
    const to = `containerd:${name},address=${address},namespace=${namespace},snapshotter=${snapshotter}`
    const from = `oci:${await layoutOf(earlier)}`
    expect(await orch(['copy', from, to])).toMatchObject({ exitCode: 0 })
    const there = await heldBy(full)
    const outcome = await orch(['copy', '--progress', 'quiet', `oci:${large}`, to])
    expectError(outcome, { exitCode: 1, code: 'CONTAINERD_FULL', says: [address, 'no space left'] })
    expect(await heldBy(full)).toEqual(there)
    await expectLoaded(full, name, earlier)
    await full.stop()
  })
})
