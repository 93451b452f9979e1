import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './exec.ts'
import { tempFolder } from './temp.ts'

/** A key and what certifies it, as PEM files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A certificate authority of this test file alone, and what it has signed: PEM files all of them. */
export interface Certificates {
  /** The authority's own certificate. */
  readonly ca: string
  /** For 127.0.0.1, 127.0.0.2, ::1, localhost and `*.orch.test`. */
  readonly server: Certificate
  /** What a client shows. */
  readonly client: Certificate
}

const names = 'IP:127.0.0.1,IP:127.0.0.2,IP:::1,DNS:localhost,DNS:*.orch.test'
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']

let made: Promise<Certificates> | undefined

/** The certificates of this test file. Needs openssl. */
export function certificates(): Promise<Certificates> {
  made ??= make()
  return made
}

/** A certificate that signs itself, as those of token servers do that registries are told to trust. */
export async function selfSigned(folder: string, name: string): Promise<Certificate> {
  const one = paths(folder, name)
  await run('openssl', [
    ...['req', '-x509', '-days', '30', '-subj', `/CN=${name}`, ...newKey],
    ...['-keyout', one.key, '-out', one.cert],
  ])
  return one
}

/** The texts of the files, as node:https takes them. */
export async function serverOptions(): Promise<{ cert: string; key: string }> {
  const { server } = await certificates()
  return { cert: await readFile(server.cert, 'utf8'), key: await readFile(server.key, 'utf8') }
}

async function make(): Promise<Certificates> {
  const folder = await tempFolder('certificates')
  const ca = await selfSigned(folder, 'ca')
  return {
    ca: ca.cert,
    server: await signed(folder, 'server', ca, `subjectAltName=${names}`),
    client: await signed(folder, 'client', ca, 'extendedKeyUsage=clientAuth'),
  }
}

async function signed(
  folder: string,
  name: string,
  ca: Certificate,
  extension: string,
): Promise<Certificate> {
  const one = paths(folder, name)
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)]
  await writeFile(extensions, `${extension}\n`)
  await run('openssl', [
    ...['req', '-subj', `/CN=orch test ${name}`, ...newKey, '-keyout', one.key, '-out', request],
  ])
  await run('openssl', [
    ...['x509', '-req', '-days', '30', '-in', request, '-extfile', extensions],
    ...['-CA', ca.cert, '-CAkey', ca.key, '-out', one.cert],
  ])
  return one
}

function paths(folder: string, name: string): Certificate {
  return { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
}
