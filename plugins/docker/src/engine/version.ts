import { isObject, type Json, OrchError, shown } from '@orch/oci'
import type { Endpoint } from './address.ts'

/** The oldest API that has all that a load needs (Docker 1.12), and the newest that orch was tried with. */
const oldest = '1.24'
const newest = '1.56'

/** Since when the API tells of the manifests of an image, and which of them an engine has whole. */
export const tellsManifests = '1.48'

/** What `GET /version` tells. */
export interface Spoken {
  /** `1.41`, the version to speak: the newest that both sides know. */
  readonly apiVersion: string
  /** Of the engine: `20.10.24`. */
  readonly version: string
}

/** Chooses the version of the API. Throws `DOCKER_API`. */
export function negotiate({ where }: Endpoint, answer: unknown): Spoken {
  const {
    ApiVersion: theirs,
    MinAPIVersion: least,
    Version: version,
  } = isObject(answer as Json) ? (answer as { [key: string]: Json }) : {}
  if (!isVersion(theirs))
    throw new OrchError(
      'DOCKER_API',
      `what listens at ${where} is no Docker Engine: it tells no version of its API`,
      { hint: 'Give the address of an engine; that of containerd or buildkitd is another.' },
    )
  const named = typeof version === 'string' ? `Docker ${shown(version)}` : 'the engine'
  if (isOlder(theirs, oldest))
    throw new OrchError(
      'DOCKER_API',
      `${named} at ${where} speaks version ${theirs} of its API; orch needs ${oldest} or newer`,
      { hint: 'Use a newer engine: 1.12 was the first with that version.' },
    )
  if (isVersion(least) && isOlder(newest, least))
    throw new OrchError(
      'DOCKER_API',
      `${named} at ${where} wants at least version ${least} of its API; orch speaks up to ${newest}`,
      { hint: 'Use a newer orch.' },
    )
  return {
    apiVersion: isOlder(theirs, newest) ? theirs : newest,
    version: typeof version === 'string' ? version : '',
  }
}

/** Whether one version of the API comes before another: `1.9` before `1.24`. */
export function isOlder(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split('.').map(Number)
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number)
  return major < otherMajor || (major === otherMajor && minor < otherMinor)
}

function isVersion(value: Json | undefined): value is string {
  return typeof value === 'string' && /^\d{1,4}\.\d{1,4}$/.test(value)
}
