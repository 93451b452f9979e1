import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Endpoint, EndpointOptions, Environment, Host, TlsFiles } from './address.ts'
import { type Context, currentContext, defaultContext, readContext } from './contexts.ts'
import { formatHost, parseHost, securePort } from './host.ts'

/**
 * Where the engine is, found as Docker's own CLI does (docker/cli, cli/command/cli.go and
 * cli/flags/options.go): an option, DOCKER_HOST, DOCKER_CONTEXT, `currentContext`, the usual socket.
 * Reads small files, and connects to nothing. Throws `DOCKER_HOST`, `DOCKER_CONTEXT`.
 */
export function endpointOf({ host, context }: EndpointOptions, env: Environment): Endpoint {
  const folder = configFolder(env)
  if (host !== undefined) return direct(host, 'option', folder, env)
  if (context !== undefined) return ofContext(context, 'the option context', folder, env)
  if (env['DOCKER_HOST']) return direct(env['DOCKER_HOST'], 'environment', folder, env)
  if (env['DOCKER_CONTEXT']) return ofContext(env['DOCKER_CONTEXT'], 'DOCKER_CONTEXT', folder, env)
  const current = currentContext(folder)
  return ofContext(current ?? defaultContext, `currentContext of ${folder}`, folder, env)
}

function configFolder(env: Environment): string {
  const home = env[process.platform === 'win32' ? 'USERPROFILE' : 'HOME'] || homedir()
  return env['DOCKER_CONFIG'] || join(home, '.docker')
}

function ofContext(name: string, said: string, folder: string, env: Environment): Endpoint {
  if (name === defaultContext) {
    const host = env['DOCKER_HOST']
    return host ? direct(host, 'environment', folder, env) : usual(folder, env)
  }
  const context = readContext(folder, name, said)
  const host = parseHost(context.host)
  return {
    where: `${formatHost(host)} (context ${name})`,
    host,
    tls: contextTls(host, context),
    by: 'context',
    env,
  }
}

function usual(folder: string, env: Environment): Endpoint {
  // With TLS asked for, Docker's CLI takes the usual port for the usual socket.
  if (asked(env)) return direct(`tcp://localhost:${securePort}`, 'default', folder, env)
  return direct('', 'default', folder, env)
}

function direct(text: string, by: Endpoint['by'], folder: string, env: Environment): Endpoint {
  const host = parseHost(text)
  return { where: formatHost(host), host, tls: tlsOf(host, folder, env), by, env }
}

const verified = (env: Environment): boolean => Boolean(env['DOCKER_TLS_VERIFY'])
/** Any text asks for it, `0` too: so it is with Docker's CLI. */
const asked = (env: Environment): boolean => verified(env) || Boolean(env['DOCKER_TLS'])

function tlsOf(host: Host, folder: string, env: Environment): TlsFiles | undefined {
  if (!mayBeTls(host) || !(asked(env) || speaksTls(host))) return undefined
  const given = env['DOCKER_CERT_PATH']
  const pem = (part: string): string => join(given || folder, `${part}.pem`)
  const there = (path: string): string | undefined => (existsSync(path) ? path : undefined)
  return {
    // A folder that was named must have it; else the authorities of the system do.
    ca: given ? pem('ca') : there(pem('ca')),
    cert: there(pem('cert')),
    key: there(pem('key')),
    // DOCKER_TLS alone is TLS without a check, as `docker --tls` is.
    verify: verified(env) || !env['DOCKER_TLS'],
  }
}

function contextTls(host: Host, { tls }: Context): TlsFiles | undefined {
  if (!mayBeTls(host)) return undefined
  const none = { ca: undefined, cert: undefined, key: undefined, verify: true }
  return tls ?? (speaksTls(host) ? none : undefined)
}

function mayBeTls(host: Host): boolean {
  return host.kind === 'tcp' && host.tls !== 'never'
}

function speaksTls(host: Host): boolean {
  return host.kind === 'tcp' && (host.tls === 'always' || host.port === securePort)
}
