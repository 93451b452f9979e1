import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { testImage } from '../../packages/oci/src/graph/test-image.ts'
import { selfSigned } from '../kit/certificates.ts'
import { atEnd } from '../kit/cleanup.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { type Outcome, orch, startOrch } from '../kit/exec.ts'
import { eachDockerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { smallDisk } from '../kit/tmpfs.ts'
import { anotherUser } from './another-user.ts'
import { expectError, largeImage, layoutOf, MiB } from './loading.ts'

const name = 'example.com/team/app:1'
const slow = 120_000

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
  }, slow)

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

  it(
    'because its disk is full, and leaves no name behind',
    async () => {
      const full = await startDockerd({ version, root: await smallDisk(64 * MiB) })
      const outcome = await load({ DOCKER_HOST: full.host }, '', large)
      expectError(outcome, { exitCode: 1, code: 'DOCKER_FULL', says: [full.host] })
      expect(await full.images()).toEqual([])
      await full.stop()
    },
    slow,
  )

  it(
    'because it dies half-way; another load after its restart is right',
    async () => {
      const env = { DOCKER_HOST: dockerd.host }
      const before = await dockerd.images()
      const loading = await startOrch(
        argumentsFor(large).map(one => one.replace('app:1', 'app:2')),
        {
          env,
        },
      )
      await untilBusy(dockerd)
      await dockerd.kill()
      const outcome = await loading.done
      expectError(outcome, { exitCode: 1, code: 'DOCKER_LOST', says: [dockerd.host] })
      await dockerd.restart()
      expect(await dockerd.images()).toEqual(before)
      expect(await load(env, '', large)).toMatchObject({ exitCode: 0 })
      expect(await dockerd.images()).toContain(name)
    },
    slow,
  )

  it(
    'because of Ctrl-C',
    async () => {
      const env = { DOCKER_HOST: dockerd.host }
      const image = await layoutOf(await largeImage(192 * MiB))
      const loading = await startOrch(
        argumentsFor(image).map(one => one.replace('app:1', 'app:3')),
        {
          env,
        },
      )
      await untilBusy(dockerd)
      loading.kill('SIGINT')
      const { exitCode, stderr } = await loading.done
      expect(exitCode, stderr).toBe(130)
      expect(stderr).toContain('INTERRUPTED')
      expect(await dockerd.images()).not.toContain('example.com/team/app:3')
    },
    slow,
  )
})

/** Waits until the engine has read more than 16 MiB since it was looked at first. */
async function untilBusy({ pid }: Dockerd): Promise<void> {
  const read = async (): Promise<number> =>
    Number(/^rchar: (\d+)/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1])
  const before = await read()
  for (const until = Date.now() + 20_000; Date.now() < until; ) {
    if ((await read()) - before > 16 * MiB) return
    await sleep(5)
  }
  throw new Error('nothing was sent to the engine')
}
