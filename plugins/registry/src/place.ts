import { parseReference, type Reference, shown, UsageError, withDefaultTag } from '@orch/oci'

/** What a source names. */
export interface Place {
  readonly reference: Reference
  readonly insecure: boolean
}

/**
 * Takes `reference[,insecure=true]` of a source apart; references hold no commas. Without tag and digest
 * it is `latest`. Throws `REFERENCE_INVALID`, and `REGISTRY_SOURCE_INVALID` for an option that sources
 * do not have.
 */
export function parsePlace(text: string): Place {
  const [name = '', ...fields] = text.split(',')
  let insecure = false
  for (const field of fields) {
    const [, value = 'true'] = /^\s*insecure(?:=(true|false))?\s*$/.exec(field) ?? fail(text, field)
    insecure = value === 'true'
  }
  return { reference: withDefaultTag(parseReference(name)), insecure }
}

function fail(text: string, field: string): never {
  const why = `docker://${text}: ${shown(field)} is no option of this source`
  throw new UsageError('REGISTRY_SOURCE_INVALID', why, {
    hint: 'The option is insecure=true: docker://localhost:5000/x:1,insecure=true.',
  })
}
