import { shown, UsageError } from '@orch/oci'
import type { RegistryRequest } from './types.ts'

/** A host that may answer for another, and where below it. */
export interface Mirror {
  readonly domain: string
  /** `/team`, or nothing. */
  readonly prefix: string
}

const grammar = /^([A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)((?:\/[\w.-]+)*)\/?$/

/** Reads `host[:port][/prefix]`. Throws `REGISTRY_MIRROR`. */
export function readMirror(text: string, of: string): Mirror {
  const [, domain, prefix = ''] = grammar.exec(text) ?? []
  if (domain === undefined || prefix.includes('/..')) {
    throw new UsageError(
      'REGISTRY_MIRROR',
      `${of} has the mirror ${shown(text)}, which is no host`,
      {
        hint: 'Write host[:port][/prefix]; plain HTTP is a setting of that host, registries.HOST.plain-http.',
      },
    )
  }
  return { domain, prefix }
}

/**
 * The same request to a mirror: `/v2/team/x/…` is `/v2/prefix/team/x/…` there. Without a prefix, `ns`
 * says whose repository is meant, as mirrors of several registries want it (containerd, docs/hosts.md).
 */
export function toMirror(request: RegistryRequest, { domain, prefix }: Mirror): RegistryRequest {
  const target = request.target.replace(/^\/v2\//, `/v2${prefix}/`)
  const mark = target.includes('?') ? '&' : '?'
  const repository = (name: string): string =>
    `${prefix.slice(1)}${prefix === '' ? '' : '/'}${name}`
  return {
    ...request,
    domain,
    target: prefix === '' ? `${target}${mark}ns=${encodeURIComponent(request.domain)}` : target,
    scopes: request.scopes.map(scope => ({ ...scope, repository: repository(scope.repository) })),
  }
}
