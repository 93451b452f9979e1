import { chmod, copyFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect, createServer as createProxy } from 'node:net'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { testImage } from '../../packages/oci/src/graph/test-image.ts'
import { selfSigned } from '../kit/certificates.ts'
import { atEnd } from '../kit/cleanup.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { type Outcome, orch, type Running, startOrch } from '../kit/exec.ts'
import { listen } from '../kit/listen.ts'
import { eachDockerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { smallDisk } from '../kit/tmpfs.ts'
import { anotherUser } from './another-user.ts'
import { expectError, largeImage, layoutOf, MiB } from './loading.ts'

const name = 'example.com/team/app:1'

let layout = ''
let large = ''
beforeAll(async () => {
  layout = await layoutOf(await testImage())
  large = await layoutOf(await largeImage(192 * MiB))
})

const argumentsFor = (from: string, options = ''): string[] => {
  return ['copy', '--progress', 'quiet', `oci:${from}`, `docker:${name}${options}`]
}
const load = (env: Record<string, string>, options = '', from = layout): Promise<Outcome> =>
  orch(argumentsFor(from, options), { env })

/** An environment in which Docker's CLI was never used. */
const fresh = async (): Promise<Record<string, string>> => ({
  DOCKER_CONFIG: await tempFolder('docker'),
})

describe('where no Docker Engine is, orch says so:', () => {
  it('no socket', async () => {
    const path = join(await tempFolder('nothing'), 'd.sock')
    const says = [`unix://${path}`, 'there is no socket']
    const outcome = await load({ DOCKER_HOST: `unix://${path}` })
    expectError(outcome, { exitCode: 1, code: 'DOCKER_UNREACHABLE', says })
  })

  it('nothing at a port', async () => {
    const outcome = await load({ DOCKER_HOST: 'tcp://127.0.0.1:1' })
    const says = ['tcp://127.0.0.1:1']
    expectError(outcome, { exitCode: 1, code: 'DOCKER_UNREACHABLE', says })
  })

  it('a context that does not exist', async () => {
    const outcome = await load(await fresh(), ',context=nowhere')
    expectError(outcome, { exitCode: 2, code: 'DOCKER_CONTEXT', says: ['nowhere'] })
    expect(outcome.stderr).toMatch(/hint: .*default/)
  })

  it('a context that config.json names and that is not there', async () => {
    const env = await fresh()
    await writeFile(
      join(env['DOCKER_CONFIG'] ?? '', 'config.json'),
      JSON.stringify({ currentContext: 'gone' }),
    )
    expectError(await load(env), {
      exitCode: 2,
      code: 'DOCKER_CONTEXT',
      says: ['gone', 'currentContext'],
    })
  })

  it('an address that is none', async () => {
    const outcome = await load({ DOCKER_HOST: 'gopher://x' })
    expectError(outcome, { exitCode: 2, code: 'DOCKER_HOST', says: ['gopher://x'] })
  })

  // No engine that is to be had speaks so old an API, so that one stands in.
  it('an engine whose API is too old', async () => {
    const socket = join(await tempFolder('old'), 'd.sock')
    const server = createServer((request, response) => {
      response.setHeader('api-version', '1.20')
      response.end(JSON.stringify({ ApiVersion: '1.20', MinAPIVersion: '1.12', Version: '1.8.3' }))
      request.resume()
    }).listen(socket)
    atEnd(async () => void server.close())
    const outcome = await load({ DOCKER_HOST: `unix://${socket}` })
    expectError(outcome, { exitCode: 1, code: 'DOCKER_API', says: [socket, '1.20'] })
  })
})

eachDockerd('amd64', 'openssl')('a load into an engine fails', version => {
  let dockerd: Dockerd
  beforeAll(async () => {
    dockerd = await startDockerd({ version, tls: true })
  })

  it('because its socket is another user’s', async () => {
    await chmod(dirname(dockerd.socket), 0o755)
    const run = await anotherUser(layout)
    const args = ['copy', '--progress', 'quiet', 'oci:oci', `docker:${name}`]
    const outcome = await run(args, { DOCKER_HOST: dockerd.host })
    expectError(outcome, { exitCode: 1, code: 'DOCKER_DENIED', says: [dockerd.socket] })
    expect(outcome.stderr).toMatch(/hint: .*(group|sudo)/)
  })

  it('without TLS', async () => {
    const { host = '' } = dockerd.tls ?? {}
    const plain = await load({ DOCKER_HOST: host })
    expectError(plain, { exitCode: 1, code: 'DOCKER_TLS', says: [host] })
  })

  it('by TLS without ca.pem, or with that of another authority', async () => {
    const { host = '', certificates = '' } = dockerd.tls ?? {}
    const loadBy = (folder: string): Promise<Outcome> =>
      load({ DOCKER_HOST: host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder })
    const folder = await tempFolder('certificates')
    const ca = join(folder, 'ca.pem')
    const without = await loadBy(folder)
    expectError(without, { exitCode: 1, code: 'DOCKER_TLS', says: [host, 'cannot read', ca] })

    for (const file of ['cert.pem', 'key.pem'])
      await copyFile(join(certificates, file), join(folder, file))
    await copyFile((await selfSigned(folder, 'another')).cert, ca)
    const untrusted = await loadBy(folder)
    const says = [host, 'unable to verify']
    expectError(untrusted, { exitCode: 1, code: 'DOCKER_TLS', says })
    expect(untrusted.stderr).toMatch(/hint: .*ca\.pem/)
    expect(await loadBy(certificates)).toMatchObject({ exitCode: 0 })
  })

  it('because its disk is full, and leaves no name behind', async () => {
    const full = await startDockerd({ version, root: await smallDisk(64 * MiB) })
    const outcome = await load({ DOCKER_HOST: full.host }, '', large)
    expectError(outcome, { exitCode: 1, code: 'DOCKER_FULL', says: [full.host] })
    expect(await full.images()).toEqual([])
    await full.stop()
  })

  /** Begins to load a large image of which half comes through, so that it cannot end by itself. */
  const loadHalf = async (
    from: string,
    tag: string,
  ): Promise<{ loading: Running; host: string }> => {
    const { host, isHalf } = await halfWay(dockerd)
    const args = argumentsFor(from).map(one => one.replace('app:1', tag))
    const loading = await startOrch(args, { env: { DOCKER_HOST: host } })
    // One that ends before that is told of by what comes next.
    await Promise.race([isHalf, loading.done])
    return { loading, host }
  }

  it('because it dies half-way; another load after its restart is right', async () => {
    const before = await dockerd.images()
    const { loading, host } = await loadHalf(large, 'app:2')
    await dockerd.kill()
    const outcome = await loading.done
    expectError(outcome, { exitCode: 1, code: 'DOCKER_LOST', says: [host] })
    await dockerd.restart()
    expect(await dockerd.images()).toEqual(before)
    const again = await load({ DOCKER_HOST: dockerd.host }, '', large)
    expect(again.exitCode, again.stderr).toBe(0)
    expect(await dockerd.images()).toContain(name)
  })

  it('because of Ctrl-C', async () => {
    const another = await layoutOf(await largeImage(192 * MiB))
    const { loading } = await loadHalf(another, 'app:3')
    loading.kill('SIGINT')
    const { exitCode, stderr } = await loading.done
    expect(exitCode, stderr).toBe(130)
    expect(stderr).toContain('INTERRUPTED')
    expect(await dockerd.images()).not.toContain('example.com/team/app:3')
  })
})

/** An address by which half of a large image reaches the engine, and what follows is lost on the way. */
async function halfWay({ socket }: Dockerd): Promise<{ host: string; isHalf: Promise<void> }> {
  const { promise: isHalf, resolve } = Promise.withResolvers<void>()
  const proxy = createProxy(client => {
    const engine = connect(socket)
    let bytes = 0
    client.on('data', chunk => {
      bytes += chunk.length
      if (bytes < 96 * MiB) engine.write(chunk)
      else engine.write('', () => resolve())
    })
    engine.on('data', chunk => client.write(chunk))
    // An engine that dies is what this is for.
    engine.on('error', () => {})
    engine.on('close', () => client.destroy())
    client.on('close', () => engine.destroy())
  })
  const { port } = await listen(proxy)
  return { host: `tcp://127.0.0.1:${port}`, isHalf }
}
