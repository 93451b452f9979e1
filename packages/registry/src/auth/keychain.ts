import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf, OrchError } from '@orch/oci'
import { type ConfigFile, normalKey, parseConfigFile } from './config-file.ts'
import { basicValue, type Found, secretOf } from './credentials.ts'
import { askHelper } from './helper.ts'
import type { Secrets } from './secrets.ts'

/** The credentials that Docker and podman keep, read once and as late as a registry asks. */
export interface Keychain {
  /** What there is for a repository of a registry; entries of the repository or a folder above it come first. */
  find(domain: string, repository: string | undefined): Promise<Found | undefined>
  /** Where it looks, in this order, for hints. */
  readonly places: readonly string[]
}

export interface KeychainOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly secrets: Secrets
  readonly signal?: AbortSignal | undefined
}

/** What a helper says is asked again after this time: the tokens of clouds last an hour or less. */
const helperMilliseconds = 10 * 60_000

/**
 * The chain: the document in DOCKER_AUTH_CONFIG, config.json in DOCKER_CONFIG or ~/.docker, then podman's
 * REGISTRY_AUTH_FILE or, without it, auth.json below XDG_RUNTIME_DIR and ~/.config. The first file that
 * has an answer wins. Throws `REGISTRY_CONFIG` and `REGISTRY_HELPER`.
 */
export function createKeychain({ env, secrets, signal }: KeychainOptions): Keychain {
  const paths = pathsOf(env)
  const inline = env['DOCKER_AUTH_CONFIG']
  let files: Promise<readonly ConfigFile[]> | undefined
  const answers = new Map<
    string,
    { readonly at: number; readonly found: Promise<Found | undefined> }
  >()

  const read = async (): Promise<readonly ConfigFile[]> => {
    const first = inline ? [parseConfigFile(inline, '$DOCKER_AUTH_CONFIG')] : []
    const rest = await Promise.all(paths.map(readConfig))
    return [...first, ...rest.filter(file => file !== undefined)]
  }
  const ask = async (key: string, helper: string, file: ConfigFile): Promise<Found | undefined> => {
    // Docker Hub is known to helpers by its oldest address.
    const server = key === 'docker.io' ? 'https://index.docker.io/v1/' : key
    const credentials = await askHelper(helper, server, file.origin, { env, secrets, signal })
    return credentials && { credentials, origin: `docker-credential-${helper}` }
  }
  const search = async (keys: readonly string[]): Promise<Found | undefined> => {
    files ??= read()
    for (const file of await files) {
      for (const key of keys) {
        const helper = file.helpers.get(key) ?? (key.includes('/') ? undefined : file.store)
        const asked = helper === undefined ? undefined : await ask(key, helper, file)
        if (asked !== undefined) return asked
        const credentials = file.auths.get(key)
        if (credentials !== undefined) return { credentials, origin: file.origin }
      }
    }
    return undefined
  }
  const learn = (found: Found | undefined): Found | undefined => {
    if (found === undefined) return undefined
    const { credentials } = found
    secrets.add(secretOf(credentials))
    if (credentials.kind !== 'registry')
      secrets.add(basicValue(credentials.user, secretOf(credentials)))
    return found
  }
  return {
    places: [...(inline ? ['$DOCKER_AUTH_CONFIG'] : []), ...paths],
    find(domain, repository) {
      const keys = keysOf(domain, repository)
      const [name = ''] = keys
      const known = answers.get(name)
      if (known !== undefined && Date.now() - known.at < helperMilliseconds) return known.found
      const found = search(keys).then(learn)
      answers.set(name, { at: Date.now(), found })
      found.catch(() => answers.delete(name))
      return found
    },
  }
}

/** `host/team/x`, `host/team`, `host`. */
function keysOf(domain: string, repository: string | undefined): readonly string[] {
  const host = normalKey(domain)
  const parts = repository === undefined ? [] : repository.split('/')
  return [...parts.map((_, end) => [host, ...parts.slice(0, parts.length - end)].join('/')), host]
}

function pathsOf(env: KeychainOptions['env']): readonly string[] {
  const home = env['HOME'] || homedir()
  const runtime = env['XDG_RUNTIME_DIR']
  const podman = env['REGISTRY_AUTH_FILE']
    ? [env['REGISTRY_AUTH_FILE']]
    : [
        ...(runtime ? [join(runtime, 'containers/auth.json')] : []),
        join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers/auth.json'),
      ]
  return [join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'), ...podman]
}

async function readConfig(path: string): Promise<ConfigFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new OrchError('REGISTRY_CONFIG', `${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'Make the file readable, or name another folder in DOCKER_CONFIG.',
      cause,
    })
  }
  return text.trim() === '' ? undefined : parseConfigFile(text, path)
}
