import { registriesOver } from './repository/repository.ts'
import { createTransport } from './transport/transport.ts'
import type { Registries, RegistryOptions } from './types.ts'

export { BlobUnknownError } from './repository/put.ts'
export type {
  HostSettings,
  Pushed,
  Registries,
  RegistryOptions,
  RemoteDocument,
  Repository,
  Resolved,
} from './types.ts'

/** The registries of one run. Nothing is asked yet. */
export function createRegistries(options: RegistryOptions): Registries {
  return registriesOver(createTransport(options), options)
}
