import { isDigest, parseReference, shown, UsageError } from '@orch/oci'
import type { EndpointOptions } from './engine/address.ts'

/** What a source names. */
export interface Place extends EndpointOptions {
  readonly name: string
}

const keys = ['host', 'context'] as const

/**
 * Reads `name[,host=…][,context=…]` of a `docker-daemon:` source; names and hosts hold no commas. Throws
 * `DOCKER_SOURCE_INVALID`, and `REFERENCE_INVALID` for what is neither a name nor an ID.
 */
export function parsePlace(text: string): Place {
  const [name = '', ...fields] = text.split(',')
  if (name === '') fail(text, 'it names no image')
  // An ID without its algorithm, which newer engines refuse.
  const id = /^[a-f0-9]{64}$/.test(name) ? `sha256:${name}` : name
  if (!isDigest(id)) parseReference(id)
  const options: { host?: string; context?: string } = {}
  for (const field of fields) {
    const at = field.indexOf('=')
    const key = keys.find(one => one === field.slice(0, at).trim())
    const value = field.slice(at + 1).trim()
    if (key === undefined || value === '') fail(text, `${shown(field)} is no option of this source`)
    options[key] = value
  }
  if (options.host !== undefined && options.context !== undefined)
    fail(text, 'host and context say the same thing twice')
  return { name: id, ...options }
}

function fail(text: string, why: string): never {
  // A host may hold a password.
  const plain = (said: string): string => said.replace(/(=|:\/\/)\S+@/g, '$1***@')
  throw new UsageError(
    'DOCKER_SOURCE_INVALID',
    `the source docker-daemon:${plain(text)} cannot be read: ${plain(why)}`,
    {
      hint: 'Write docker-daemon:name:tag, with ,context=name or ,host=unix:///path after it if wanted.',
    },
  )
}
