import { UsageError } from '@orch/oci'

/** Where an image is: `containerd:[namespace/]name[,key=value…]`, taken apart. */
export interface Place {
  readonly namespace?: string
  /** Undefined when only a namespace, or nothing, is named. */
  readonly name?: string
}

/** Namespaces that everyone has, so that nobody means a repository by them. */
const wellKnown = new Set(['k8s.io', 'default', 'moby', 'buildkit', 'nerdctl'])

/**
 * Takes `[namespace/]name` apart. What stands before the first slash is a namespace when it is one that
 * everyone knows (`k8s.io`, `default`, `moby`, `buildkit`, `nerdctl`), when nothing follows the slash, or
 * when a registry's host follows and it is none itself: `ci/docker.io/library/x:1`. Anything else is a
 * name: `team/x:1` is docker.io/team/x:1.
 */
export function parsePlace(text: string): Place {
  const slash = text.indexOf('/')
  if (slash === -1) return text === '' ? {} : { name: text }
  const first = text.slice(0, slash)
  const rest = text.slice(slash + 1)
  const next = rest.split('/')[0] ?? ''
  const isNamespace =
    wellKnown.has(first) || rest === '' || (isHost(next) && rest.includes('/') && !isHost(first))
  if (!isNamespace) return { name: text }
  return { namespace: first, ...(rest === '' ? {} : { name: rest }) }
}

function isHost(component: string): boolean {
  return /[.:]/.test(component) || component === 'localhost'
}

/**
 * Takes `rest[,key=value…]` of a source apart; neither namespaces nor references hold commas. Throws
 * `CONTAINERD_SOURCE_INVALID` for a key that sources do not have.
 */
export function splitSource(text: string): { place: Place; options: SourceOptions } {
  const [rest = '', ...fields] = text.split(',')
  const options: Record<string, string> = {}
  for (const field of fields) {
    const at = field.indexOf('=')
    const key = field.slice(0, Math.max(at, 0)).trim()
    if (!isSourceOption(key)) {
      throw new UsageError(
        'CONTAINERD_SOURCE_INVALID',
        `containerd:${text}: ${JSON.stringify(field)} is no option of this source`,
        { hint: `Options are ${sourceOptions.join(', ')}: containerd:x:1,address=/run/c.sock.` },
      )
    }
    options[key] = field.slice(at + 1)
  }
  return { place: parsePlace(rest), options }
}

const sourceOptions = ['address', 'namespace', 'ca', 'cert', 'key'] as const
export type SourceOptions = { readonly [key in (typeof sourceOptions)[number]]?: string }

function isSourceOption(key: string): key is (typeof sourceOptions)[number] {
  return sourceOptions.some(option => option === key)
}
