import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf, OrchError } from '@orch/oci'
import { type ConfigFile, hubKey, normalHost, parseConfigFile } from './config-file.ts'
import { basicValue, type Credentials, type Found, secretOf } from './credentials.ts'
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
 * The chain: the document in DOCKER_AUTH_CONFIG, podman's REGISTRY_AUTH_FILE, config.json in DOCKER_CONFIG
 * or ~/.docker, then, without a REGISTRY_AUTH_FILE, podman's auth.json below XDG_RUNTIME_DIR and
 * ~/.config. The first file that has an answer wins. Throws `REGISTRY_CONFIG` and `REGISTRY_HELPER`.
 */
export function createKeychain({ env, secrets, signal }: KeychainOptions): Keychain {
  const paths = pathsOf(env)
  const inline = env['DOCKER_AUTH_CONFIG']
  let files: Promise<readonly ConfigFile[]> | undefined
  const answers = new Map<
    string,
    { readonly at: number; readonly credentials: Promise<Credentials | undefined> }
  >()

  const read = async (): Promise<readonly ConfigFile[]> => {
    const first = inline ? [parseConfigFile(inline, '$DOCKER_AUTH_CONFIG')] : []
    const rest = await Promise.all(paths.map(readConfig))
    return [...first, ...rest.filter(file => file !== undefined)]
  }
  const ask = async (key: string, helper: string, file: ConfigFile): Promise<Found | undefined> => {
    const server = key === 'docker.io' ? hubKey : key
    const name = `${helper} ${server}`
    let answer = answers.get(name)
    if (answer === undefined || Date.now() - answer.at >= helperMilliseconds) {
      const credentials = askHelper(helper, server, file.origin, { env, secrets, signal })
      answer = { at: Date.now(), credentials }
      answers.set(name, answer)
      credentials.catch(() => answers.delete(name))
    }
    const credentials = await answer.credentials
    return credentials && { credentials, origin: `docker-credential-${helper}` }
  }
  const search = async (keys: readonly string[]): Promise<Found | undefined> => {
    files ??= read()
    for (const file of await files) {
      for (const key of keys) {
        const helper = file.helpers.get(key) ?? (key.includes('/') ? undefined : file.store)
        const asked = helper ? await ask(key, helper, file) : undefined
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
    const secret = secretOf(credentials)
    secrets.add(secret)
    if (credentials.kind !== 'registry') {
      const { user } = credentials
      secrets.add(basicValue(user, secret), `${user}:${secret}`)
    }
    return found
  }
  return {
    places: [...(inline ? ['$DOCKER_AUTH_CONFIG'] : []), ...paths],
    find: async (domain, repository) => learn(await search(keysOf(domain, repository))),
  }
}

/** `host/team/x`, `host/team`, `host`. */
function keysOf(domain: string, repository: string | undefined): readonly string[] {
  const host = normalHost(domain)
  const parts = repository === undefined ? [] : repository.split('/')
  return [...parts.map((_, end) => [host, ...parts.slice(0, parts.length - end)].join('/')), host]
}

function pathsOf(env: KeychainOptions['env']): readonly string[] {
  const home = env['HOME'] || homedir()
  const runtime = env['XDG_RUNTIME_DIR']
  const named = env['REGISTRY_AUTH_FILE']
  const docker = join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json')
  if (named) return [named, docker]
  return [
    docker,
    ...(runtime ? [join(runtime, 'containers/auth.json')] : []),
    join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers/auth.json'),
  ]
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
