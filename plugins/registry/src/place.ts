import { type Reference, shown, UsageError, withDefaultTag } from '@orch/oci'
import { repositoryReference } from './reference.ts'

/** What a source names. */
export interface Place {
  readonly reference: Reference
  readonly insecure: boolean
}

/**
 * Reads `reference[,insecure=true]` of a source. Without tag and digest it is `latest`. Throws
 * `REFERENCE_INVALID` and what `splitPlace` throws.
 */
export function parsePlace(text: string): Place {
  const { name, insecure } = splitPlace(text)
  return { reference: withDefaultTag(repositoryReference(name)), insecure }
}

/**
 * Takes `name[,insecure=true]` apart; names hold no commas. Throws `REGISTRY_SOURCE_INVALID` for an option
 * that does not exist.
 */
export function splitPlace(text: string): { readonly name: string; readonly insecure: boolean } {
  const [name = '', ...fields] = text.split(',')
  let insecure = false
  for (const field of fields) {
    const [, value = 'true'] = /^\s*insecure(?:=(true|false))?\s*$/.exec(field) ?? fail(text, field)
    insecure = value === 'true'
  }
  return { name, insecure }
}

function fail(text: string, field: string): never {
  const why = `docker://${text}: ${shown(field)} is no option of this source`
  throw new UsageError('REGISTRY_SOURCE_INVALID', why, {
    hint: 'The option is insecure=true: docker://localhost:5000/x:1,insecure=true.',
  })
}
