import { shown } from '../errors.ts'

/**
 * Why a tar is not read, as a clause that goes on from the archive's name: `holds …`, `ends …`. Whoever
 * knows the archive makes an error of it.
 */
export class TarRefusal extends Error {}

/** Throws `TarRefusal` for an entry. @param why goes on from `which` */
export function refuseEntry(name: string, why: string): never {
  throw new TarRefusal(`holds the entry ${shown(name)}, which ${why}`)
}
