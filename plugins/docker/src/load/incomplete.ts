import { OrchError } from '@orch/oci'

/** What is wrong with an image of which an engine with containerd's store has not all. */
export const notWhole = 'it is not there with all its platforms, or not unpacked'

/** What was loaded is not what it should be. */
export function incomplete(where: string, what: string, why: string): OrchError {
  return new OrchError('DOCKER_INCOMPLETE', `${where}: ${what} was loaded, but ${why}`, {
    hint: 'Somebody else may remove or replace images there; load it again.',
  })
}
