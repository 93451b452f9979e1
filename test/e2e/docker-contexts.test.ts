import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { testImage } from '../../packages/oci/src/graph/test-image.ts'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { orch, run } from '../kit/exec.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { exportsOf } from './docker-exports.ts'
import { layoutOf } from './loading.ts'

type Environment = Readonly<Record<string, string | undefined>>

const name = 'example.com/team/app:1'

/** What would name another engine. */
const unset: Environment = {
  DOCKER_HOST: undefined,
  DOCKER_CONTEXT: undefined,
  DOCKER_TLS: undefined,
  DOCKER_TLS_VERIFY: undefined,
  DOCKER_CERT_PATH: undefined,
}

// What is found does not depend on the engine: one of them is enough.
needs(
  'dockerd20',
  'docker',
  'openssl',
)('a context with TLS that docker made', () => {
  let dockerd: Dockerd
  let layout = ''
  beforeAll(async () => {
    layout = await layoutOf(await testImage(['linux/amd64']))
    dockerd = await startDockerd({ version: '20.10', tls: true })
  })

  /** A folder of Docker's command line in which it has made the context `far`. */
  async function madeContext(): Promise<Environment> {
    const { host = '', certificates = '' } = dockerd.tls ?? {}
    const file = (key: string): string => `${key}=${join(certificates, `${key}.pem`)}`
    const endpoint = `host=${host},${['ca', 'cert', 'key'].map(file).join(',')}`
    const env = { ...unset, DOCKER_CONFIG: await tempFolder('docker') }
    await run('docker', ['context', 'create', 'far', '--docker', endpoint], { env })
    return env
  }

  async function expectLoaded(env: Environment, option = ''): Promise<void> {
    const to = `docker:${name}${option}`
    const copied = await orch(['copy', '--json', `oci:${layout}`, to], { env })
    const engine = `${dockerd.tls?.host} (context far)`
    expect(exportsOf(copied)).toMatchObject([{ names: [name], details: { engine } }])
    expect(await dockerd.images()).toEqual([name])
    await dockerd.docker(['rmi', name])
  }

  it('is found by DOCKER_CONTEXT', async () => {
    await expectLoaded({ ...(await madeContext()), DOCKER_CONTEXT: 'far' })
  })

  it('is found by docker context use', async () => {
    const env = await madeContext()
    await run('docker', ['context', 'use', 'far'], { env })
    await expectLoaded(env)
  })

  it('is found by context=', async () => {
    await expectLoaded(await madeContext(), ',context=far')
  })
})
