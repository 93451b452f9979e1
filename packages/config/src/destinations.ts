import {
  type Destination,
  type ExportPlan,
  freeze,
  type OptionsSchema,
  type Plugin,
} from '@orch/core'
import {
  didYouMean,
  messageOf,
  OrchError,
  parseReference,
  type Reference,
  UsageError,
} from '@orch/oci'
import { z } from 'zod'
import { exportPlans, type WantedExport } from './export-plans.ts'
import { type ExportText, readFields } from './export-text.ts'
import { pluginSet } from './plugins/tables.ts'
import { jsonSchemaOf } from './schema/check.ts'
import { keysAt } from './schema/expected.ts'
import { normalizeTag } from './tags.ts'

/** What gives destinations their meaning. */
export interface DestinationOptions {
  readonly plugins: readonly Plugin[]
  /** The folder from which relative paths start. */
  readonly root: string
  /** Options for those whose exporter has them; one that no destination has is `DESTINATION_OPTION`. */
  readonly shared?: ExportText['options']
  /** Options for those whose exporter has them, which may be none. */
  readonly offered?: ExportText['options']
}

type Reader = (rest: string, root: string) => Destination | Promise<Destination>

/**
 * The exports that destinations ask for, frozen: `scheme:rest[,key=value…]` by the plugins'
 * `destinations`, or `exporter[,key=value…]`. Throws `DESTINATION_UNKNOWN`, `EXPORT_INVALID`,
 * `EXPORTER_UNKNOWN`, `REFERENCE_INVALID`, `PLUGIN_INVALID`, and what the plugin that reads a destination throws.
 */
export async function planDestinations(
  texts: readonly string[],
  { plugins, root, shared = {}, offered = {} }: DestinationOptions,
): Promise<readonly ExportPlan[]> {
  const { exporters } = pluginSet(plugins).tables
  const readers = readersOf(plugins)
  const wanted: WantedExport[] = []
  for (const text of texts) {
    const { first, options } = readFields(text)
    const { read, scheme, rest } = schemeOf(first, readers)
    if (read !== undefined) wanted.push(await readDestination(text, read, rest, options, root))
    else if (exporters.has(first)) wanted.push({ exporter: first, options, label: text })
    else throw unknown(first, text, scheme, [...readers.keys()], [...exporters.keys()])
  }
  return freeze(await exportPlans(withShared(wanted, shared, offered, exporters), exporters))
}

function readersOf(plugins: readonly Plugin[]): ReadonlyMap<string, Reader> {
  return new Map(plugins.flatMap(plugin => Object.entries(plugin.destinations ?? {})))
}

/** The scheme that a text begins with (`docker://` is a registry and `docker:` an engine), and who reads the rest. */
function schemeOf(
  text: string,
  readers: ReadonlyMap<string, Reader>,
): { readonly read: Reader | undefined; readonly scheme: string; readonly rest: string } {
  const [, name = '', slashes = '', rest = ''] =
    /^([a-z][a-z0-9-]*):(\/\/)?(.*)$/is.exec(text) ?? []
  const scheme = `${name}:${slashes}`
  // Other schemes take the slashes or leave them.
  return { read: readers.get(scheme) ?? readers.get(name), scheme, rest }
}

/** How `--export` and `--tag` say what a destination does, as a hint; undefined for a text that is none. Throws as `planDestinations` does. */
export async function exportFor(
  text: string,
  plugins: readonly Plugin[],
  root: string,
): Promise<string | undefined> {
  const { read, rest } = schemeOf(text, readersOf(plugins))
  if (read === undefined) return undefined
  const { exporter, options, references } = await answerOf(text, read, rest, root)
  const fields = Object.entries(options).map(([key, value]) => `,${key}=${value}`)
  const tags = references.map(name => ` -t ${name}`)
  return `Write -e ${exporter}${fields.join('')}${tags.join('')}.`
}

/** Gives every export the options that its exporter has and that it does not set itself. */
function withShared(
  wanted: readonly WantedExport[],
  shared: ExportText['options'],
  offered: ExportText['options'],
  exporters: ReadonlyMap<string, OptionsSchema>,
): readonly WantedExport[] {
  const keys = new Map(
    wanted.map(({ exporter }) => {
      const schema = exporters.get(exporter)
      return [exporter, schema === undefined ? [] : keysAt(jsonSchemaOf(schema), [])]
    }),
  )
  const stray = Object.keys(shared).find(
    key => ![...keys.values()].some(known => known.includes(key)),
  )
  if (stray !== undefined) {
    const why = `no destination here has the option ${stray}`
    throw new UsageError('DESTINATION_OPTION', why, {
      hint: 'Leave it out, or add a destination that has it, such as docker://host/repository:tag.',
    })
  }
  return wanted.map(item => {
    const known = keys.get(item.exporter) ?? []
    const own = Object.entries({ ...offered, ...shared }).filter(([key]) => known.includes(key))
    return { ...item, options: { ...Object.fromEntries(own), ...item.options } }
  })
}

async function readDestination(
  text: string,
  read: Reader,
  rest: string,
  given: ExportText['options'],
  root: string,
): Promise<WantedExport> {
  const { exporter, options, references } = await answerOf(text, read, rest, root)
  const twice = Object.keys(options).find(key => Object.hasOwn(given, key))
  if (twice !== undefined) {
    const why = `${text}: the option ${twice} stands before the first comma already`
    throw new UsageError('EXPORT_INVALID', why, { hint: `Leave out ${twice}=.` })
  }
  const names = [...new Set(references.map(normalizeTag))]
  return { exporter, options: { ...options, ...given }, references: names, label: text }
}

/** What the plugin makes of it. Throws `PLUGIN_FAILED` and `PLUGIN_ANSWER_INVALID` for a plugin that misbehaves. */
async function answerOf(
  text: string,
  read: Reader,
  rest: string,
  root: string,
): Promise<Destination> {
  let answer: unknown
  try {
    answer = await read(rest, root)
  } catch (cause) {
    if (cause instanceof OrchError) throw cause
    const why = `${text}: the plugin that reads it failed: ${messageOf(cause)}`
    throw new OrchError('PLUGIN_FAILED', why, { cause })
  }
  const checked = destinationSchema.safeParse(answer)
  if (checked.success) return checked.data
  const why = `${text}: the plugin that reads it answered ${JSON.stringify(answer)}`
  throw new OrchError('PLUGIN_ANSWER_INVALID', why, {
    hint: 'See the type Destination of the package orch.',
  })
}

const destinationSchema = z.object({
  exporter: z.string(),
  options: z.record(z.string(), z.string()),
  references: z.array(z.string()),
})

function unknown(
  first: string,
  text: string,
  scheme: string,
  schemes: readonly string[],
  exporters: readonly string[],
): UsageError {
  const known = [...schemes.map(withColon), ...exporters]
  const near =
    registryHint(first, schemes) ??
    (scheme === ':' ? didYouMean(first, known) : didYouMean(scheme, known, scheme.length / 3)) ??
    nameHint(first, schemes)
  const all = `Destinations are ${schemes.toSorted().join(', ')}, each with a colon and a place (oci:dist/oci), or exporters as --export has them: ${exporters.toSorted().join(', ')}.`
  return new UsageError('DESTINATION_UNKNOWN', `nothing here writes to ${JSON.stringify(text)}`, {
    hint: near === undefined ? all : `${near} ${all}`,
  })
}

/** As it stands in a destination: `docker://` for a registry, `docker:` for an engine. */
function withColon(scheme: string): string {
  return scheme.endsWith('//') ? scheme : `${scheme}:`
}

/** What to write when the text reads as a name with a tag, which may be one in an engine or in a registry. */
function nameHint(text: string, schemes: readonly string[]): string | undefined {
  if (!['docker', 'docker://'].every(scheme => schemes.includes(scheme))) return undefined
  if (!text.includes(':') || referenceIn(text) === undefined) return undefined
  return `For Docker Engine, write docker:${text}; for a registry, docker://host/${text}.`
}

/** What to write when the text reads as the reference of an image, and not as a path. */
function registryHint(text: string, schemes: readonly string[]): string | undefined {
  if (!schemes.includes('docker://') || !text.includes('/')) return undefined
  const reference = referenceIn(text)
  if (reference === undefined) return undefined
  if (reference.domain === 'docker.io' && reference.tag === undefined) return undefined
  return `For an image in a registry, write docker://${text}.`
}

function referenceIn(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch {
    return undefined
  }
}
