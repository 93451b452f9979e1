import { OrchError } from '@orch/oci'

/** What was loaded is not what it should be. */
export function incomplete(where: string, what: string, why: string): OrchError {
  return new OrchError('DOCKER_INCOMPLETE', `${where}: ${what} was loaded, but ${why}`, {
    hint: 'Somebody else may remove or replace images there; load it again.',
  })
}
