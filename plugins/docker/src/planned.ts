import type { PlannedExport } from '@orch/core'
import { refuseTaken, UsageError } from '@orch/oci'
import { namesFor } from './names.ts'
import type { DockerExportOptions } from './options.ts'

/**
 * Looks at all loads of a run before anything is built. Throws `NAME_TAKEN` when two images want one name
 * in one engine, `NAME_TWICE` when a destination and `names=` both give names, and what `namesFor` throws.
 */
export function checkLoads(exports: readonly PlannedExport[]): void {
  const loads = exports.filter(({ plan }) => plan.exporter === 'docker')
  const names = loads.flatMap(({ image, references, plan }) => {
    const { names } = plan.options as DockerExportOptions
    if (names !== undefined && plan.references !== undefined) {
      const given = [...plan.references, ...names].join(', ')
      throw new UsageError('NAME_TWICE', `names are given twice for image ${image}: ${given}`, {
        hint: 'Name it in the destination or by names=, not both.',
      })
    }
    const place = placeOf(plan.options as DockerExportOptions)
    return namesFor(image, names ?? references).map(name => ({ image, name, place }))
  })
  refuseSuffixed(loads)
  refuseTaken(names, 'Give them different tags, or load them one after another.')
}

function placeOf({ host = '', context = '' }: DockerExportOptions): string {
  return `in the engine ${host}${context}`.trim()
}

/** What other platforms may have behind their names: engines run these systems alone. */
const suffix = /^-(linux|windows)-(386|amd64|arm|arm64|loong64|mips\w*|ppc64\w*|riscv64|s390x)(-|$)/

/** Another platform of one image may get the name of another image: `x:1-linux-arm64`. */
function refuseSuffixed(loads: readonly PlannedExport[]): void {
  const named = loads.flatMap(({ image, references, plan }) => {
    const options = plan.options as DockerExportOptions
    const { names, platforms = 'native' } = options
    const isSuffixed = platforms !== 'native'
    const place = placeOf(options)
    return namesFor(image, names ?? references).map(name => ({ image, name, place, isSuffixed }))
  })
  for (const { image, name, place, isSuffixed } of named) {
    const other = named.find(
      item =>
        item.image !== image &&
        item.place === place &&
        item.name.startsWith(name) &&
        suffix.test(item.name.slice(name.length)),
    )
    if (!isSuffixed || other === undefined) continue
    const why = `${other.name}, a name of image ${other.image}, may be a platform of image ${image}`
    throw new UsageError('NAME_TAKEN', why, { hint: 'Give them different tags.' })
  }
}
