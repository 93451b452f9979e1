import { UsageError } from '@orch/oci'

/** Where an image is: `containerd:[namespace/]name[,key=value…]`, taken apart. */
export interface Place {
  readonly namespace?: string
  /** Undefined when only a namespace, or nothing, is named. */
  readonly name?: string
}

/** Namespaces that everyone has, and no repository is called so. */
const wellKnown = new Set(['k8s.io', 'default'])

/**
 * Takes `[namespace/]name` apart. What stands before the first slash is a namespace when it is one that
 * everyone knows (`k8s.io`, `default`), when nothing follows the slash, or when a registry's host follows
 * and it is none itself: `ci/docker.io/library/x:1`. Anything else is a name: `team/x:1` is
 * docker.io/team/x:1. Throws `CONTAINERD_SOURCE_INVALID` for a lone `k8s.io`.
 */
export function parsePlace(text: string): Place {
  const slash = text.indexOf('/')
  if (text === 'k8s.io')
    fail(
      text,
      'it could be a namespace or an image',
      'Write k8s.io/ for all of the namespace, or k8s.io/name.',
    )
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
 * `CONTAINERD_SOURCE_INVALID` for a key that sources do not have, and for what is said twice.
 */
export function splitSource(text: string): { name: string | undefined; options: SourceOptions } {
  const [rest = '', ...fields] = text.split(',')
  const { namespace, name } = parsePlace(rest)
  const options: Record<string, string> = namespace === undefined ? {} : { namespace }
  for (const field of fields) {
    const at = field.indexOf('=')
    const key = field.slice(0, Math.max(at, 0)).trim()
    if (!isSourceOption(key)) {
      const why = `${JSON.stringify(field)} is no option of this source`
      const names = sourceOptions.join(', ')
      fail(text, why, `Options are ${names}: containerd:x:1,address=/run/c.sock.`)
    }
    if (options[key] !== undefined) fail(text, `it says the ${key} twice`)
    options[key] = field.slice(at + 1)
  }
  if (options['namespace'] !== undefined && !isIdentifier(options['namespace']))
    fail(text, `${JSON.stringify(options['namespace'])} is no namespace`)
  return { name, options }
}

function fail(text: string, why: string, hint?: string): never {
  throw new UsageError(
    'CONTAINERD_SOURCE_INVALID',
    `containerd:${text}: ${why}`,
    hint === undefined ? {} : { hint },
  )
}

const sourceOptions = ['address', 'namespace', 'ca', 'cert', 'key'] as const
export type SourceOptions = { readonly [key in (typeof sourceOptions)[number]]?: string }

function isSourceOption(key: string): key is (typeof sourceOptions)[number] {
  return sourceOptions.some(option => option === key)
}

/** containerd's identifiers (pkg/identifiers): what a namespace or a snapshotter may be called. */
export function isIdentifier(text: string): boolean {
  return text.length <= 76 && /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/.test(text)
}
