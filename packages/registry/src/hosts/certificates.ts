import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf, OrchError, UsageError } from '@orch/oci'
import type { HostSettings } from '../types.ts'

/** PEM texts: who is trusted beside the well-known authorities, and what is shown to the registry. */
export interface Certificates {
  readonly authorities: readonly string[]
  readonly pairs: readonly { readonly cert: string; readonly key: string }[]
}

/** Where certs.d folders lie; what stands in a later one comes first. */
export function certificateFolders(
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const config = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config')
  return ['/etc/docker/certs.d', '/etc/containers/certs.d', join(config, 'containers/certs.d')]
}

/**
 * The certificates of a host: those of its settings, then those in `certs.d/<host[:port]>` (docs.docker.com,
 * "Verify repository client with certificates"): every `*.crt` is an authority, every `*.cert` has its
 * `*.key`. Throws `REGISTRY_CERTIFICATES`.
 */
export async function readCertificates(
  host: string,
  settings: HostSettings,
  folders: readonly string[],
): Promise<Certificates> {
  const own = await readSettings(host, settings)
  const found = await Promise.all(
    folders.toReversed().map(folder => readFolder(join(folder, host))),
  )
  return {
    authorities: [own, ...found].flatMap(({ authorities }) => authorities),
    pairs: [own, ...found].flatMap(({ pairs }) => pairs),
  }
}

async function readSettings(host: string, { ca, cert, key }: HostSettings): Promise<Certificates> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError(
      'REGISTRY_CERTIFICATE_HALF',
      `the settings of ${host} name ${cert === undefined ? 'a key without its certificate' : 'a certificate without its key'}`,
      { hint: 'Name both `cert` and `key`.' },
    )
  }
  return {
    authorities: ca === undefined ? [] : [await readPem(ca)],
    pairs:
      cert === undefined || key === undefined
        ? []
        : [{ cert: await readPem(cert), key: await readPem(key) }],
  }
}

async function readFolder(folder: string): Promise<Certificates> {
  let names: readonly string[]
  try {
    names = (await readdir(folder)).toSorted()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return { authorities: [], pairs: [] }
    throw unreadable(folder, error)
  }
  const read = (ending: string): Promise<readonly string[]> =>
    Promise.all(
      names.filter(name => name.endsWith(ending)).map(name => readPem(join(folder, name))),
    )
  const certs = names.filter(name => name.endsWith('.cert'))
  const pairs = certs.map(async name => ({
    cert: await readPem(join(folder, name)),
    key: await readPem(join(folder, name.replace(/cert$/, 'key'))),
  }))
  return { authorities: await read('.crt'), pairs: await Promise.all(pairs) }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): OrchError {
  return new OrchError('REGISTRY_CERTIFICATES', `${path} cannot be read: ${messageOf(cause)}`, {
    hint: 'Every *.cert needs a *.key of the same name beside it, readable by you.',
    cause,
  })
}
