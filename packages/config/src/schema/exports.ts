import type { ExportPlan, OptionsSchema, Plugin } from '@orch/core'
import { didYouMean, nearestFirst, OrchError } from '@orch/oci'
import { type ExportText, parseExport } from '../export-text.ts'
import type { Path } from '../problem.ts'
import { type Checked, check, jsonSchemaOf } from './check.ts'
import { keysAt } from './expected.ts'

/** The exporters of plugins, each with the names of its options; none where its schema does not tell them. */
export function exporterOptions(
  plugins: readonly Plugin[],
): ReadonlyMap<string, readonly string[]> {
  const all = plugins.flatMap(({ exporters = {} }) => Object.entries(exporters))
  return new Map(all.map(([name, schema]) => [name, keysAt(jsonSchemaOf(schema), [])]))
}

/**
 * Checks one entry of `export`: text, or a map from one exporter's name to its options. An entry of
 * another type, or text that cannot be read, is left to the core's schema: it yields no problem here.
 */
export async function checkExportEntry(
  entry: unknown,
  exporters: ReadonlyMap<string, OptionsSchema>,
  path: Path,
): Promise<Checked<ExportPlan>> {
  if (typeof entry === 'string') {
    const read = readText(entry)
    return read === undefined
      ? { ok: false, problems: [] }
      : checkExport(read.exporter, read.options, exporters, path, path)
  }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return { ok: false, problems: [] }
  }
  const [first, second] = Object.entries(entry)
  if (first === undefined || second !== undefined) {
    const message = `expected one exporter with its options, got ${first === undefined ? 'none' : 'several keys'}`
    const hint =
      second === undefined ? undefined : 'Indent the options below the name of the exporter.'
    return { ok: false, problems: [{ path, on: 'value', message, hint }] }
  }
  const [exporter, options] = first
  return checkExport(exporter, options ?? {}, exporters, [...path, exporter], [...path, exporter])
}

/**
 * Checks the options of an exporter that is named.
 * @param path where the name stands
 * @param base where the options stand
 */
export async function checkExport(
  exporter: string,
  options: unknown,
  exporters: ReadonlyMap<string, OptionsSchema>,
  path: Path,
  base: Path,
): Promise<Checked<ExportPlan>> {
  const schema = exporters.get(exporter)
  if (schema === undefined) {
    const known = nearestFirst(exporter, exporters.keys())
    const message = `no exporter is named ${JSON.stringify(exporter)}; expected one of ${known.join(', ')}`
    const hint = didYouMean(exporter, known)
    return { ok: false, problems: [{ path, on: 'key', message, hint, code: 'EXPORTER_UNKNOWN' }] }
  }
  const checked = await check(schema, options, base)
  return checked.ok ? { ok: true, value: { exporter, options: checked.value } } : checked
}

function readText(text: string): ExportText | undefined {
  try {
    return parseExport(text)
  } catch (error) {
    if (error instanceof OrchError) return undefined
    throw error
  }
}
