import { OrchError, shown } from '@orch/oci'
import type { Credentials } from './credentials.ts'
import type { Secrets } from './secrets.ts'

export interface HelperContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly secrets: Secrets
  readonly signal?: AbortSignal | undefined
  /** Two minutes by default: a helper may ask a person for a password of its own. */
  readonly milliseconds?: number
}

const maxOutput = 1024 * 1024
const nameGrammar = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const none = /credentials not found|no credentials server URL|not logged in/i

/**
 * Asks `docker-credential-<name> get` (github.com/docker/docker-credential-helpers) about a host.
 * @param configuredIn the file that names the helper, for messages
 * @returns undefined when it has none; the user `<token>` marks an identity token
 * Throws `REGISTRY_HELPER`.
 */
export async function askHelper(
  name: string,
  server: string,
  configuredIn: string,
  { env, secrets, signal, milliseconds = 120_000 }: HelperContext,
): Promise<Credentials | undefined> {
  const fail = (why: string): never => {
    throw new OrchError(
      'REGISTRY_HELPER',
      `the credential helper ${shown(name)} for ${server} ${why}`,
      { hint: `It is named in ${configuredIn}; repair it there, or put it in PATH.` },
    )
  }
  if (!nameGrammar.test(name)) return fail('has a name that is refused')
  // Loaded when it is needed: few have a helper.
  const { execa } = await import('execa')
  signal?.throwIfAborted()
  const child = execa(`docker-credential-${name}`, ['get'], {
    input: server,
    env,
    extendEnv: false,
    reject: false,
    windowsHide: true,
    maxBuffer: maxOutput,
  })
  // A helper may leave a child that holds its pipes; waiting for their end alone would have no limit.
  const { promise: stopped, resolve: stop } = Promise.withResolvers<'late' | 'aborted'>()
  const timer = setTimeout(() => stop('late'), milliseconds)
  const onAbort = (): void => stop('aborted')
  signal?.addEventListener('abort', onAbort, { once: true })
  const result = await Promise.race([child, stopped])
  clearTimeout(timer)
  signal?.removeEventListener('abort', onAbort)
  if (typeof result === 'string') {
    child.kill('SIGKILL')
    child.stdout.destroy()
    child.stderr.destroy()
    signal?.throwIfAborted()
    return fail(`gave no answer within ${milliseconds / 1000} s`)
  }
  if (result.code === 'ENOENT') return fail(`is not there: no docker-credential-${name} in PATH`)
  if (result.exitCode !== 0) {
    if (none.test(result.stdout) || none.test(result.stderr)) return undefined
    return fail(`failed${saying(result.stderr, result.stdout, secrets)}`)
  }
  return readAnswer(result.stdout) ?? fail('gave an answer that is not understood')
}

/** The first line of what a helper said, unless it may hold its answer. */
function saying(stderr: string, stdout: string, secrets: Secrets): string {
  const text = [stderr, stdout].map(part => part.trim()).find(part => part !== '') ?? ''
  const [line = ''] = text.split('\n')
  return line === '' || /[{}]|secret/i.test(text) ? '' : `: ${shown(secrets.hide(line))}`
}

function readAnswer(stdout: string): Credentials | undefined {
  let answer: { Username?: unknown; Secret?: unknown } | null
  try {
    answer = JSON.parse(stdout)
  } catch {
    return undefined
  }
  const { Username: user, Secret: secret } = answer ?? {}
  if (typeof user !== 'string' || typeof secret !== 'string' || secret === '') return undefined
  return user === '<token>'
    ? { kind: 'identity', user: '', token: secret }
    : { kind: 'basic', user, password: secret }
}
