import type { BuildContext, PlannedExport } from '@orch/core'
import { formatReference, OrchError, parseReference, refuseTaken, UsageError } from '@orch/oci'
import type { RegistryExportOptions } from './options.ts'
import { targetsOf } from './targets.ts'

/**
 * Looks at all pushes of a run before anything is built or sent. Throws `OFFLINE`, `NAME_TAKEN` when two
 * images want one name, `NAME_TWICE` and `EXPORT_INVALID` when options overrule what a destination names,
 * and what `targetsOf` throws.
 */
export function checkPushes(
  exports: readonly PlannedExport[],
  { offline }: Pick<BuildContext, 'offline'>,
): void {
  const pushes = exports.filter(({ plan }) => plan.exporter === 'registry')
  const names = pushes.flatMap(({ image, references, plan }) => {
    const options = plan.options as RegistryExportOptions
    for (const text of plan.references ?? []) refuseOverruled(text, options)
    return targetsOf(image, references, options).flatMap(({ domain, path, tags }) =>
      tags.map(tag => ({ image, name: formatReference({ domain, path, tag }) })),
    )
  })
  refuseTaken(names, 'Give them different tags, or another naming than bare.')
  if (!offline || pushes.length === 0) return
  throw new OrchError('OFFLINE', 'a push goes to a registry, and nothing may touch the network', {
    hint: 'Leave out --offline, or export to a file, such as -e oci-archive, and orch copy it later.',
  })
}

/** What a destination names is not to be dropped silently. The tag `latest` may be one that nobody wrote. */
function refuseOverruled(
  text: string,
  { repository, tags, pushByDigest }: RegistryExportOptions,
): void {
  if (repository !== undefined) throw twice(text, `repository=${repository}`)
  const { tag = 'latest' } = parseReference(text)
  if (tag === 'latest') return
  if (tags !== undefined) throw twice(text, `tags=${tags.join(',')}`)
  if (!pushByDigest) return
  const why = `the destination ${text} names a tag, and push-by-digest writes none`
  throw new UsageError('EXPORT_INVALID', why, { hint: `Leave out :${tag} or push-by-digest.` })
}

function twice(text: string, option: string): UsageError {
  const why = `the destination names ${text}, and ${option} something else`
  return new UsageError('NAME_TWICE', why, { hint: 'Leave out one of them.' })
}
