import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  didYouMean,
  isObject,
  type JsonObject,
  messageOf,
  parseJsonObject,
  shown,
  UsageError,
} from '@orch/oci'
import type { TlsFiles } from './address.ts'

/** The context that stands for DOCKER_HOST, else the usual socket. */
export const defaultContext = 'default'

/** An engine as a context of Docker's CLI describes it. */
export interface Context {
  readonly host: string
  /** Undefined when the context says nothing of TLS. */
  readonly tls: TlsFiles | undefined
}

/** `currentContext` of Docker's config.json; undefined when there is none. Throws `DOCKER_CONTEXT`. */
export function currentContext(folder: string): string | undefined {
  const file = join(folder, 'config.json')
  if (!existsSync(file)) return undefined
  const named = readObject(file)['currentContext']
  return typeof named === 'string' && named !== '' ? named : undefined
}

/**
 * Reads a context of Docker's store (docker/cli, cli/context/store): `contexts/meta/<sha256 of the
 * name>/meta.json`, and beside it the files of TLS. Throws `DOCKER_CONTEXT`.
 * @param said who named it, for messages: `DOCKER_CONTEXT`
 */
export function readContext(folder: string, name: string, said: string): Context {
  const id = createHash('sha256').update(name).digest('hex')
  const file = join(folder, 'contexts', 'meta', id, 'meta.json')
  if (!existsSync(file)) throw unknown(folder, name, said)
  const endpoints = readObject(file)['Endpoints']
  const endpoint = isObject(endpoints) ? endpoints['docker'] : undefined
  const host = isObject(endpoint) ? endpoint['Host'] : undefined
  if (!isObject(endpoint) || typeof host !== 'string')
    throw new UsageError(
      'DOCKER_CONTEXT',
      `the Docker context ${shown(name)} (${said}) is of no engine`,
      { hint: `Look at it with docker context inspect, or choose another. ${known(folder)}` },
    )
  const pem = (part: string): string | undefined => {
    const path = join(folder, 'contexts', 'tls', id, 'docker', `${part}.pem`)
    return existsSync(path) ? path : undefined
  }
  const files = { ca: pem('ca'), cert: pem('cert'), key: pem('key') }
  const verify = endpoint['SkipTLSVerify'] !== true
  const speaks = !verify || Object.values(files).some(path => path !== undefined)
  return { host, tls: speaks ? { ...files, verify } : undefined }
}

function unknown(folder: string, name: string, said: string): UsageError {
  const meant = didYouMean(name, [...names(folder), defaultContext], 2)
  return new UsageError('DOCKER_CONTEXT', `there is no Docker context ${shown(name)} (${said})`, {
    hint: [meant, known(folder)].filter(part => part !== undefined).join(' '),
  })
}

function known(folder: string): string {
  return `In ${folder} there are: ${[defaultContext, ...names(folder).map(bare)].join(', ')}.`
}

/** As a message may show it. */
function bare(name: string): string {
  return shown(name).slice(1, -1)
}

function names(folder: string): string[] {
  const store = join(folder, 'contexts', 'meta')
  if (!existsSync(store)) return []
  const found = readdirSync(store).flatMap(id => {
    const file = join(store, id, 'meta.json')
    if (!existsSync(file)) return []
    try {
      const name = readObject(file)['Name']
      return typeof name === 'string' ? [name] : []
    } catch {
      return [] // whoever names it hears why
    }
  })
  return found.sort()
}

function readObject(file: string): JsonObject {
  try {
    const bytes = readFileSync(file)
    // Docker's CLI takes an empty file for none.
    return bytes.toString().trim() === '' ? {} : parseJsonObject(bytes, 'it')
  } catch (cause) {
    throw new UsageError('DOCKER_CONTEXT', `cannot read ${file}: ${messageOf(cause)}`, {
      cause,
      hint: 'Mend that file of Docker, or name the engine by host= or DOCKER_HOST.',
    })
  }
}
