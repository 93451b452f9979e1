import type { ExportPlan } from '@orch/core'
import { OrchError, parseReference, UsageError } from '@orch/oci'

/**
 * A registry's error, with what else may have been meant: `docker://hello:1` names no host, and so goes to
 * Docker Hub, where `docker:hello:1` is an engine.
 */
export function withEngineHint(error: unknown, { references = [] }: ExportPlan): unknown {
  const [name] = references.filter(isHostless)
  if (!(error instanceof OrchError && error.code.startsWith('REGISTRY_')) || name === undefined)
    return error
  const { code, message, hint, cause } = error
  const also = `docker://${name} is at Docker Hub; docker:${name} is Docker Engine.`
  const options = { hint: hint === undefined ? also : `${hint}\n${also}`, cause }
  return error instanceof UsageError
    ? new UsageError(code, message, options)
    : new OrchError(code, message, options)
}

function isHostless(text: string): boolean {
  return parseReference(text).domain === 'docker.io' && !/^(?:index\.)?docker\.io\//.test(text)
}
