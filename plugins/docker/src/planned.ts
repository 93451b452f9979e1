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
    const { host = '', context = '', names } = plan.options as DockerExportOptions
    if (names !== undefined && plan.references !== undefined) {
      const given = [...plan.references, ...names].join(', ')
      throw new UsageError('NAME_TWICE', `names are given twice for image ${image}: ${given}`, {
        hint: 'Name it in the destination or by names=, not both.',
      })
    }
    const place = `in the engine ${host}${context}`.trim()
    return namesFor(image, names ?? references).map(name => ({ image, name, place }))
  })
  refuseSuffixed(loads)
  refuseTaken(names, 'Give them different tags, or load them one after another.')
}

/** Another platform of one image may get the name of another image: `x:1-linux-arm64`. */
function refuseSuffixed(loads: readonly PlannedExport[]): void {
  const named = loads.flatMap(({ image, references, plan }) => {
    const { names, platforms = 'native' } = plan.options as DockerExportOptions
    const own = namesFor(image, names ?? references)
    return own.map(name => ({ image, name, isSuffixed: platforms !== 'native' }))
  })
  for (const { image, name, isSuffixed } of named) {
    const other = named.find(
      item =>
        item.image !== image &&
        item.name.startsWith(name) &&
        /^-[a-z]+-/.test(item.name.slice(name.length)),
    )
    if (!isSuffixed || other === undefined) continue
    const why = `${other.name}, a name of image ${other.image}, may be a platform of image ${image}`
    throw new UsageError('NAME_TAKEN', why, { hint: 'Give them different tags.' })
  }
}
