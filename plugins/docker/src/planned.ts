import type { BuildContext, PlannedExport } from '@orch/core'
import { refuseTaken, UsageError, type WantedName } from '@orch/oci'
import { endpointOf } from './engine/endpoint.ts'
import { formatHost } from './engine/host.ts'
import { namesFor } from './names.ts'
import type { DockerExportOptions } from './options.ts'

/** A name that a load is to give. */
interface PlannedName extends WantedName {
  readonly place: string
  /** Which of the loads. */
  readonly load: number
  readonly platforms: DockerExportOptions['platforms']
}

/**
 * Looks at all loads of a run before anything is built. Throws `NAME_TAKEN` when two of them want one name
 * in one engine for different things, `NAME_TWICE` when a destination and `names=` both give names, and what
 * `namesFor` and `endpointOf` throw.
 */
export function checkLoads(
  exports: readonly PlannedExport[],
  { env }: Pick<BuildContext, 'env'>,
): void {
  const names = exports.flatMap(({ image, references, plan }, load): readonly PlannedName[] => {
    if (plan.exporter !== 'docker') return []
    const options = plan.options as DockerExportOptions
    const { names, platforms } = options
    if (names !== undefined && plan.references !== undefined) {
      const given = [...plan.references, ...names].join(', ')
      throw new UsageError('NAME_TWICE', `names are given twice for image ${image}: ${given}`, {
        hint: 'Name it in the destination or by names=, not both.',
      })
    }
    const place = `in the engine ${formatHost(endpointOf(options, env).host)}`
    return namesFor(image, names ?? references).map(name => {
      return { image, name, place, load, platforms }
    })
  })
  refuseOtherPlatforms(names)
  refuseSuffixed(names)
  refuseTaken(names, 'Give them different tags, or load them one after another.')
}

/** One name of one image, with some of its platforms by one destination, and with others by another. */
function refuseOtherPlatforms(names: readonly PlannedName[]): void {
  const first = new Map<string, string>()
  for (const { image, name, place, platforms } of names) {
    const key = `${image} ${name} ${place}`
    const said = JSON.stringify(platforms) ?? ''
    if ((first.get(key) ?? said) !== said) {
      const why = `${name} ${place} would be image ${image} with different platforms`
      throw new UsageError('NAME_TAKEN', why, { hint: 'Give them different names.' })
    }
    first.set(key, said)
  }
}

/** What other platforms may have behind their names: engines run these systems alone. */
const suffix = /^-(linux|windows)-(386|amd64|arm|arm64|loong64|mips\w*|ppc64\w*|riscv64|s390x)(-|$)/

/** Another platform of one image may get a name that another load gives: `x:1-linux-arm64`. */
function refuseSuffixed(names: readonly PlannedName[]): void {
  for (const { image, name, place, load, platforms = 'native' } of names) {
    if (platforms === 'native') continue
    const other = names.find(
      item =>
        item.load !== load &&
        item.place === place &&
        item.name.startsWith(name) &&
        suffix.test(item.name.slice(name.length)),
    )
    if (other === undefined) continue
    const why = `${other.name}, a name of image ${other.image}, may be a platform of image ${image}`
    throw new UsageError('NAME_TAKEN', why, { hint: 'Give them different tags.' })
  }
}
