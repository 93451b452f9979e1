/**
 * Writes src/snapshot/: the CA certificates of the running Node and the time zones of this Debian
 * machine, then the facts of the layers that they make. README.md says when and how to run it.
 */
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { rootCertificates } from 'node:tls'
import { brotliCompressSync, constants } from 'node:zlib'
import { writeModule } from './write-module.ts'

const zoneinfoRoot = '/usr/share/zoneinfo'
/** The same zones counted otherwise, leap seconds, and what serves only the machine itself. */
const leftOut: ReadonlySet<string> = new Set([
  'leap-seconds.list',
  'leapseconds',
  'localtime',
  'posix',
  'posixrules',
  'right',
])

/** One line: the package's name, a tab, its version. */
const installed = execFileSync('dpkg-query', ['--show', 'tzdata'], { encoding: 'utf8' })
const [, tzdata = ''] = installed.trim().split('\t')
writeModule(
  'versions',
  `/** Where the content of the static base comes from: \`node\` and its \`tls.rootCertificates\`, Debian's package \`tzdata\`. */
export const versions = {
  node: '${process.versions.node}',
  certificates: ${rootCertificates.length},
  tzdata: '${tzdata}',
} as const
`,
)
writeModule('ca-certificates', `export const caCertificates: string = \`${certificates()}\`\n`)
writeModule('zoneinfo', `export const zoneinfo: string = \`${lines(zones())}\`\n`)
// Imported only now, because it reads what was just written.
await import('./pin.ts')

/** `rootCertificates` holds what is built into Node, whatever NODE_EXTRA_CA_CERTS or the system adds. */
function certificates(): string {
  const described = rootCertificates.map(pem => {
    const certificate = new X509Certificate(pem)
    const subject = certificate.subject.split('\n').join(', ')
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    return `# ${subject}; sha256 ${fingerprint}\n${pem.trim()}\n`
  })
  return described
    .sort()
    .join('')
    .replaceAll(/[\\`$]/g, '\\$&')
}

/** The container that src/zoneinfo.ts reads, base64. */
function zones(): string {
  const names = zoneNames('')
  const contents: Buffer[] = []
  const header = names.map(name => {
    const path = join(zoneinfoRoot, name)
    if (lstatSync(path).isSymbolicLink()) return [name, linkTarget(name, names)]
    const bytes = readFileSync(path)
    contents.push(bytes)
    return [name, bytes.byteLength]
  })
  const packed = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...contents])
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: packed.byteLength,
  }
  return brotliCompressSync(packed, { params }).toString('base64')
}

/** Every file and link below a folder of zoneinfo, sorted, without what is left out. */
function zoneNames(folder: string): readonly string[] {
  return readdirSync(join(zoneinfoRoot, folder), { withFileTypes: true })
    .map(item => ({ item, name: join(folder, item.name) }))
    .filter(({ name }) => !leftOut.has(name))
    .flatMap(({ item, name }) => (item.isDirectory() ? zoneNames(name) : [name]))
    .sort()
}

function linkTarget(name: string, names: readonly string[]): string {
  const target = readlinkSync(join(zoneinfoRoot, name))
  if (!names.includes(join(dirname(name), target)))
    throw new Error(`${zoneinfoRoot}/${name} links to ${target}, which the snapshot does not hold`)
  return target
}

function lines(text: string): string {
  return text.replaceAll(/.{1,160}/g, '$&\n')
}
