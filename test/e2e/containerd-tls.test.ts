import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import { Digester, digestOf } from '@orch/oci'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { connect } from '../../plugins/containerd/src/client/connect.ts'
import type { TlsFiles } from '../../plugins/containerd/src/client/tls.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { run } from '../kit/exec.ts'
import { eachContainerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'

/** Makes a key and a certificate in the folder, for these names, signed by the CA of the folder or by itself. */
async function certify(folder: string, name: string, names: string, byCa = true): Promise<void> {
  const file = (of: string, ending: string) => join(folder, `${of}.${ending}`)
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const about = ['-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`]
  const signed = byCa ? ['-CA', file('ca', 'crt'), '-CAkey', file('ca', 'key')] : []
  const out = ['-keyout', file(name, 'key'), '-out', file(name, 'crt')]
  await run('openssl', ['req', ...kind, ...about, ...signed, ...out])
}

/** containerd's own TCP listener serves nothing but CRI, so what speaks TLS stands before its socket. */
async function proxyTo(socket: string, options: TlsOptions): Promise<Server> {
  const server = createServer({ ALPNProtocols: ['h2'], ...options }, async outer => {
    const inner = connectSocket(socket)
    // Either side may break off: that ends the other.
    await Promise.allSettled([pipeline(outer, inner), pipeline(inner, outer)])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

eachContainerd('openssl')('containerd behind TLS', version => {
  let daemon: Containerd
  let folder: string
  const servers: Server[] = []

  beforeAll(async () => {
    daemon = await startContainerd({ version })
    folder = await tempFolder('tls')
    await certify(folder, 'ca', 'DNS:ca', false)
    await certify(folder, 'server', 'IP:127.0.0.1,DNS:localhost')
    await certify(folder, 'other', 'DNS:other.example')
    await certify(folder, 'client', 'DNS:client')
    await certify(folder, 'stranger', 'DNS:client', false)
  })
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  const pem = (name: string) => join(folder, name)

  /** A proxy with that certificate; with `mutual` it asks for one that the CA signed. */
  async function listen(name: string, mutual = false): Promise<number> {
    const [cert, key, ca] = await Promise.all(
      [`${name}.crt`, `${name}.key`, 'ca.crt'].map(file => readFile(pem(file))),
    )
    const server = await proxyTo(daemon.address, {
      cert,
      key,
      ...(mutual ? { ca, requestCert: true, rejectUnauthorized: true } : {}),
    })
    servers.push(server)
    return (server.address() as AddressInfo).port
  }

  async function versionOf(address: string, tls: TlsFiles): Promise<string> {
    const client = await connect({ address, namespace: daemon.namespace, tls })
    try {
      return (await client.version()).version
    } finally {
      client.close()
    }
  }

  const refused = (message: RegExp) =>
    expect.objectContaining({
      code: 'CONTAINERD_TLS',
      message: expect.stringMatching(message),
      hint: expect.any(String),
    })

  it.each(['127.0.0.1', 'localhost'])('is reached as %s when its CA is given', async host => {
    const address = `tcp://${host}:${await listen('server')}`
    expect(await versionOf(address, { ca: pem('ca.crt') })).toMatch(/^v?\d/)
  })

  it('is not trusted when its CA is not known', async () => {
    const address = `tcp://127.0.0.1:${await listen('server')}`
    await expect(versionOf(address, {})).rejects.toEqual(refused(/unable to verify|self-signed/))
    await expect(versionOf(address, { ca: pem('stranger.crt') })).rejects.toEqual(
      refused(/unable to verify|certificate/),
    )
  })

  it.each(['127.0.0.1', 'localhost'])(
    'is not trusted as %s with the certificate of another',
    async host => {
      const address = `tcp://${host}:${await listen('other')}`
      await expect(versionOf(address, { ca: pem('ca.crt') })).rejects.toEqual(
        refused(/not in the cert|does not match/),
      )
    },
  )

  it('that asks who calls takes the certificate that its CA signed, and no other', async () => {
    const address = `tcp://127.0.0.1:${await listen('server', true)}`
    const ca = pem('ca.crt')
    const own = { ca, cert: pem('client.crt'), key: pem('client.key') }
    expect(await versionOf(address, own)).toMatch(/^v?\d/)
    await expect(versionOf(address, { ca })).rejects.toEqual(refused(/certificate required/))
    const foreign = { ca, cert: pem('stranger.crt'), key: pem('stranger.key') }
    await expect(versionOf(address, foreign)).rejects.toEqual(refused(/alert|right after/))
    const mixed = { ca, cert: pem('client.crt'), key: pem('stranger.key') }
    await expect(versionOf(address, mixed)).rejects.toEqual(refused(/key values mismatch/))
  })

  it('takes an upload', async () => {
    const address = `tcp://localhost:${await listen('server')}`
    const { namespace } = daemon
    const client = await connect({ address, namespace, tls: { ca: pem('ca.crt') } })
    const bytes = randomBytes(10 * 1024 * 1024)
    const expected = digestOf(bytes)
    await client.leases.create('tls', {})
    const stream = client.content.write({ lease: 'tls' })
    const base = { ref: 'upload', total: bytes.length, expected }
    await stream.send({ action: 'commit', ...base, offset: 0, data: [bytes] })
    await stream.end()
    const digester = new Digester()
    for await (const chunk of client.content.read(expected)) digester.update(chunk)
    expect(digester.digest()).toBe(expected)
    client.close()
  })
})
