import type { ExportPlan, OptionsSchema } from '@orch/core'
import { UsageError } from '@orch/oci'
import type { ExportText } from './export-text.ts'
import { formatPath } from './problem.ts'
import { checkExport } from './schema/exports.ts'

/** An export that the command line asks for. */
export interface WantedExport extends ExportText {
  /** As messages name it. */
  readonly label: string
  readonly references?: readonly string[]
  /** What to write where no exporter has that name. */
  readonly instead?: string | undefined
}

/**
 * Plans of exports, their options checked by the exporters' schemas. Throws one error for all that is
 * wrong: `EXPORTER_UNKNOWN`, `EXPORT_INVALID`.
 */
export async function exportPlans(
  wanted: readonly WantedExport[],
  exporters: ReadonlyMap<string, OptionsSchema>,
): Promise<readonly ExportPlan[]> {
  const plans: ExportPlan[] = []
  const lines: string[] = []
  const hints = new Set<string>()
  let code = 'EXPORT_INVALID'
  for (const { exporter, options, label, references = [], instead } of wanted) {
    const checked = await checkExport(exporter, options, exporters, [], [])
    if (checked.ok) {
      plans.push(references.length === 0 ? checked.value : { ...checked.value, references })
      continue
    }
    for (const { path, message, hint, code: own } of checked.problems) {
      const at = formatPath(path)
      lines.push(`${label}: ${at === '' ? '' : `${at}: `}${message}`)
      const said = own === 'EXPORTER_UNKNOWN' ? (instead ?? hint) : hint
      if (said !== undefined) hints.add(said)
      if (lines.length === 1) code = own ?? code
    }
  }
  if (lines.length === 0) return plans
  const hint = [...hints].join('\n')
  throw new UsageError(code, lines.join('\n'), hint === '' ? {} : { hint })
}
