import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf, OrchError, shown } from '@orch/oci'
import type { Endpoint } from './address.ts'
import { defaultSocket } from './host.ts'

/** The engine answered with a status that says no. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, words: string) {
    super(words)
    this.status = status
  }
}

/** Nothing moved on the connection for too long. */
export class Silence extends Error {}

/** The ssh command, which is the connection, ended; the message has its own words. */
export class SshEnded extends Error {}

/** A file of TLS cannot be read or used. */
export class TlsFileError extends Error {}

/** The answer is not what the API says. */
export class BadAnswer extends Error {}

/** The answer ends before it is whole. */
export class CutOff extends Error {}

/** No space where the engine keeps its images. */
const full = /no space left on device|disk quota exceeded|not enough space on the disk/i
/** An engine that ends says so of what it was about to do. */
const ending = /client connection is closing|context canceled/i
const denied = /permission denied while trying to connect to the docker|permission denied \(/i

/**
 * What a failed call means: `DOCKER_UNREACHABLE`, `DOCKER_DENIED`, `DOCKER_TLS`, `DOCKER_SILENT`,
 * `DOCKER_LOST`, `DOCKER_FULL`, or `DOCKER_FAILED` with the engine's own words. Whatever does not come
 * from the engine or the connection stays what it is.
 * @param what was asked for, for the message: `POST /images/load`
 */
export function engineError(endpoint: Endpoint, what: string, cause: unknown): unknown {
  if (cause instanceof OrchError) return cause
  const { where } = endpoint
  const words = messageOf(cause)
  if (cause instanceof Refusal) return refused(endpoint, what, cause)
  if (cause instanceof Silence)
    return error('DOCKER_SILENT', `the engine at ${where} does not answer (${what}): ${words}`, {
      cause,
      hint: 'See whether that engine hangs or its disk is overloaded, then run again.',
    })
  if (cause instanceof SshEnded) return sshError(endpoint, cause)
  if (cause instanceof BadAnswer)
    return error('DOCKER_FAILED', `the engine at ${where} answered ${what} with ${words}`, {
      cause,
      hint: 'Its log may say more; a proxy before it may have changed the answer.',
    })
  if (cause instanceof TlsFileError || isTls(cause)) return tlsError(endpoint, cause)
  const code = codeOf(cause)
  const syscall = cause instanceof Error && 'syscall' in cause ? cause.syscall : undefined
  if (code === 'EACCES' || code === 'EPERM') return deniedError(endpoint, cause, code)
  // Several addresses of one name were tried in vain when there are several errors.
  if (syscall === 'getaddrinfo' || syscall === 'connect' || cause instanceof AggregateError)
    return unreachable(endpoint, cause)
  // Every error of a connection has a code; what has none is a mistake of orch.
  return code === '' && !(cause instanceof CutOff) ? cause : lost(endpoint, what, cause)
}

/** The connection broke, or an answer has no end. */
function lost(
  { where }: Pick<Endpoint, 'where'>,
  what: string,
  cause: unknown,
  words = messageOf(cause),
): OrchError {
  return error(
    'DOCKER_LOST',
    `the connection to the engine at ${where} broke (${what}): ${shown(words)}`,
    { cause, hint: 'See whether that engine still runs and what its log says, then run again.' },
  )
}

/** An engine's own words for what it could not do: `DOCKER_FULL`, `DOCKER_LOST` when it is ending, or the code given. */
export function saidError(
  endpoint: Pick<Endpoint, 'where'>,
  what: string,
  words: string,
  code: 'DOCKER_FAILED' | 'DOCKER_LOAD',
  cause?: unknown,
): OrchError {
  const { where } = endpoint
  if (ending.test(words)) return lost(endpoint, what, cause, words)
  if (full.test(words)) return fullError(where, words, what, cause)
  return error(code, `the engine at ${where} failed (${what}): ${shown(words)}`, {
    cause,
    hint: 'Its log may say more.',
  })
}

function refused(endpoint: Endpoint, what: string, cause: Refusal): OrchError {
  // What Go's HTTPS server says to plain HTTP.
  if (/sent an HTTP request to an HTTPS server/i.test(cause.message))
    return error('DOCKER_TLS', `the engine at ${endpoint.where} speaks TLS, and orch did not`, {
      cause,
      hint: tlsHint(endpoint),
    })
  const words = `${cause.message} (HTTP ${cause.status})`
  return saidError(endpoint, what, words, 'DOCKER_FAILED', cause)
}

/** Where TLS is asked for depends on who named the engine. */
function tlsHint({ by, host }: Endpoint): string {
  if (by === 'context') return 'Give the context its certificates: docker context update --docker.'
  const isPlain = host.kind === 'tcp' && host.tls === 'never'
  if (isPlain) return 'Write https:// or tcp:// instead of http://.'
  return 'Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a context that has its certificates.'
}

function isTls(cause: unknown): boolean {
  const code = codeOf(cause)
  if (code === 'EPROTO' || /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_)/.test(code)) return true
  // The names of X509_V_ERR_…, as Node gives them.
  return /CERT|^UNABLE_TO_|_SIGNATURE|INVALID_(CA|PURPOSE)|_CHAIN|HOSTNAME_MISMATCH/.test(code)
}

function tlsError({ where, host }: Endpoint, cause: unknown): OrchError {
  const reason =
    cause instanceof Error && 'reason' in cause && typeof cause.reason === 'string'
      ? cause.reason
      : tlsWords(messageOf(cause))
  const plain = /wrong version number|packet length too long|unsupported protocol/i.test(reason)
  const port = host.kind === 'tcp' ? host.port : ''
  return error('DOCKER_TLS', `no secure connection to the engine at ${where}: ${shown(reason)}`, {
    cause,
    hint: plain
      ? `Port ${port} seems to speak no TLS: give its TLS port (usually 2376), or write http://host:${port} if it really has none.`
      : /certificate required|bad certificate|handshake failure/i.test(reason)
        ? 'That engine wants a certificate: look at cert.pem and key.pem in DOCKER_CERT_PATH or in the context.'
        : 'Look at ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH or in the context: the CA must have signed the certificate of that engine, and the certificate be for its name.',
  })
}

/** What went wrong, out of `write EPROTO 40BD…:error:0A00010B:SSL routines:tls_get_more_records:wrong version number:…`. */
function tlsWords(message: string): string {
  const [, words] = /:SSL routines:[^:]*:([^:]+)/.exec(message) ?? []
  return words ?? message.split(';', 1)[0] ?? ''
}

function deniedError({ where, host, by }: Endpoint, cause: unknown, why: string): OrchError {
  const own =
    host.kind === 'unix' && by === 'default'
      ? ' A rootless engine needs neither: name its socket by DOCKER_HOST.'
      : ''
  return error('DOCKER_DENIED', `this user may not use the engine at ${where} (${why})`, {
    cause,
    hint:
      host.kind === 'ssh'
        ? 'Use a key and a user that may log in there, and that is in the group docker there.'
        : `Join the group docker (sudo usermod -aG docker "$USER", then log in again), or run with sudo.${own}`,
  })
}

function sshError(endpoint: Endpoint, cause: SshEnded): OrchError {
  if (denied.test(cause.message)) return deniedError(endpoint, cause, shown(cause.message))
  return error('DOCKER_UNREACHABLE', `no engine at ${endpoint.where}: ${shown(cause.message)}`, {
    cause,
    hint: `Try: ssh ${sshTarget(endpoint)} docker version. It must work without asking for anything.`,
  })
}

function sshTarget({ host }: Endpoint): string {
  if (host.kind !== 'ssh') return ''
  const port = host.port === undefined ? '' : `-p ${host.port} `
  return `${port}${host.user === undefined ? '' : `${host.user}@`}${host.host}`
}

function unreachable(endpoint: Endpoint, cause: unknown): OrchError {
  const { where, host, by } = endpoint
  const code = codeOf(cause)
  const local = host.kind === 'unix' || host.kind === 'npipe'
  const why =
    local && (code === 'ENOENT' || code === 'ENOTDIR')
      ? 'there is no socket'
      : local && (code === 'ECONNREFUSED' || code === 'ENOTSOCK' || code === 'EPROTOTYPE')
        ? 'nothing listens on it'
        : // An address of several tries has an empty message of its own.
          messageOf(cause) || code
  const hints = {
    option: 'Start that engine, or name another by host= or context=.',
    environment: 'Start that engine, or correct DOCKER_HOST.',
    context: 'Start that engine, or choose another context: docker context ls shows them.',
    default:
      'Start Docker (sudo systemctl start docker), or name an engine by DOCKER_HOST or a context.',
  }
  const others = by === 'default' ? otherSockets(endpoint) : []
  return error('DOCKER_UNREACHABLE', `no engine at ${where}: ${why}`, {
    cause,
    hint:
      others.length === 0
        ? hints[by]
        : `There is ${others.join(' and ')}: name it by DOCKER_HOST=unix://…, or start Docker.`,
  })
}

/** Sockets of rootless Docker, Docker Desktop, Colima, Rancher Desktop and Podman. */
function otherSockets({ env }: Endpoint): string[] {
  const home = env['HOME'] || homedir()
  const runtime = env['XDG_RUNTIME_DIR'] || `/run/user/${process.getuid?.() ?? 0}`
  return [
    join(runtime, 'docker.sock'),
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
    join(home, '.colima/default/docker.sock'),
    join(home, '.rd/docker.sock'),
    join(runtime, 'podman/podman.sock'),
  ].filter(path => path !== defaultSocket && existsSync(path))
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

function error(
  code: string,
  message: string,
  { cause, hint }: { cause: unknown; hint: string },
): OrchError {
  return new OrchError(code, message, { cause, hint })
}

function fullError(where: string, words: string, what: string, cause: unknown): OrchError {
  const why = `no space is left where the engine at ${where} keeps its images (${what}): ${shown(words)}`
  const hint = 'Free space there, such as by docker system prune, then run again.'
  return error('DOCKER_FULL', why, { cause, hint })
}
