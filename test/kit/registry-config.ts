import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificates, certificates } from './certificates.ts'
import { account, type TokenServer } from './token-server.ts'

/** The account's line of a htpasswd file: bcrypt, the only kind that distribution reads. */
const htpasswd = `${account.name}:$2y$04$orchTestKitSaltOrchTeeUqSa4J1ts9kleqYqRftNJW7561NnZ3C\n`

/** What a registry is to be like. */
export interface RegistryOptions {
  /** Who may use it: everyone (`none`, the default), or the kit's account by Basic or by tokens. */
  readonly auth?: 'none' | 'htpasswd' | 'token'
  /** HTTPS with a certificate that the kit's authority has signed. */
  readonly tls?: boolean
  /** Clients must show a certificate too. */
  readonly clientCertificates?: boolean
  /** Whether manifests can be removed; they can unless this is false. */
  readonly delete?: boolean
  /** Where its data goes; a temporary folder unless told otherwise. */
  readonly root?: string
  /** Locations without scheme and host. */
  readonly relativeUrls?: boolean
  /** Makes it a pull-through cache of this registry, `http://127.0.0.1:5000`; it takes no pushes then. */
  readonly mirrorOf?: string
}

/** What its files need to be written. */
interface Facts {
  readonly folder: string
  readonly root: string
  /** Where it listens, and what references call that. */
  readonly address: string
  readonly host: string
  readonly options: RegistryOptions
  readonly tokens: TokenServer | undefined
}

/** Writes distribution's config.yml, which is JSON here as YAML can be, and what it names. Its path. */
export async function writeConfig({
  folder,
  root,
  address,
  options,
  tokens,
}: Facts): Promise<string> {
  const { tls = false, auth = 'none' } = options
  const passwords = join(folder, 'htpasswd')
  if (auth === 'htpasswd') await writeFile(passwords, htpasswd)
  const config = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: root },
      delete: { enabled: options.delete !== false },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: {
      addr: address,
      // An upload goes on after a restart only when its state is signed by the same secret.
      secret: 'kit',
      relativeurls: options.relativeUrls === true,
      ...(tls && { tls: tlsConfig(await certificates(), options.clientCertificates === true) }),
    },
    ...(auth === 'htpasswd' && { auth: { htpasswd: { realm: 'kit', path: passwords } } }),
    ...(tokens && { auth: { token: tokenConfig(tokens) } }),
    ...(options.mirrorOf !== undefined && { proxy: { remoteurl: options.mirrorOf } }),
  }
  const file = join(folder, 'config.yml')
  await writeFile(file, JSON.stringify(config))
  return file
}

function tlsConfig({ ca, server }: Certificates, clients: boolean): object {
  return { certificate: server.cert, key: server.key, ...(clients && { clientcas: [ca] }) }
}

function tokenConfig({ realm, service, issuer, certificate }: TokenServer): object {
  return { realm, service, issuer, rootcertbundle: certificate }
}

/**
 * The environment in which crane, regctl and skopeo log in to it, find its certificate and, but for skopeo,
 * know that it speaks plain HTTP. skopeo is told by `--tls-verify=false`.
 */
export async function clientEnv(facts: Facts): Promise<Record<string, string>> {
  const { folder, host, options } = facts
  const { tls = false, auth = 'none' } = options
  const docker = join(folder, 'config.json')
  const login = Buffer.from(`${account.name}:${account.password}`).toString('base64')
  await writeFile(
    docker,
    JSON.stringify({ auths: auth === 'none' ? {} : { [host]: { auth: login } } }),
  )
  const regctl = join(folder, 'regctl.json')
  const hosts = tls ? {} : { [host]: { tls: 'disabled', hostname: host } }
  await writeFile(regctl, JSON.stringify({ hosts }))
  return {
    DOCKER_CONFIG: folder,
    REGISTRY_AUTH_FILE: docker,
    REGCTL_CONFIG: regctl,
    ...(tls && { SSL_CERT_FILE: (await certificates()).ca }),
  }
}
