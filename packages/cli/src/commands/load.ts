import { resolve } from 'node:path'
import { parseExport, type Selection } from '@orch/config'
import type { Plugin } from '@orch/core'
import { didYouMean, openArchive, UsageError } from '@orch/oci'
import { type Command, Option } from 'commander'
import { chooseRuntime, runtimeNames } from '../load/runtime.ts'
import { defaultPlugins } from '../plugins.ts'
import type { Runner } from '../runner.ts'
import { openProject, type Session } from '../session.ts'
import { addExporterHelp } from './exporter-help.ts'
import { addBuilding, type BuildingOptions, runBuild } from './run-build.ts'
import { addSelection, append, type SelectOptions, selectionOf } from './select.ts'

interface LoadOptions extends SelectOptions, BuildingOptions {
  readonly to?: readonly string[]
}

/** `orch load`: from a project to the container runtime of this machine. */
export function addLoad(program: Command, run: Runner): void {
  const command = program
    .command('load')
    .description('build images and load them into the container runtime that is here')
  addExporterHelp(command, runtimeNames(defaultPlugins()))
  addBuilding(
    addSelection(command).addOption(
      new Option(
        '--to <runtime[,key=value…]>',
        'the runtime, docker or containerd, with options of its exporter; by default the one that the environment names (DOCKER_HOST or DOCKER_CONTEXT, CONTAINERD_ADDRESS), else the first that is there',
      ).argParser(append),
    ),
  ).action(run(load))
}

async function load(
  session: Session,
  images: readonly string[],
  options: LoadOptions,
): Promise<number> {
  await refuseSources(session, images, options.to)
  const project = await openProject(session)
  const selection = selectionOf(images, options)
  // What is wrong with the call is told before runtimes are looked for.
  await project.toPlan(selection)
  const { signal } = session.interruption
  const { exports, notes } = await targetOf(project.plugins, options, signal)
  const plan = await project.toPlan({ ...selection, exports })
  return runBuild(session, project, plan, options, notes)
}

/** Where to load, and what to say of it. */
async function targetOf(
  plugins: readonly Plugin[],
  { to: [to, ...more] = [], offline = false }: LoadOptions,
  signal: AbortSignal,
): Promise<Required<Pick<Selection, 'exports'>> & { readonly notes: readonly string[] }> {
  if (to === undefined) {
    const { exporter, notes } = await chooseRuntime(plugins, process.env, { offline, signal })
    return { exports: [{ exporter, options: {} }], notes }
  }
  if (more.length > 0) {
    throw new UsageError('TO_TWICE', `--to names several runtimes: ${[to, ...more].join(' ')}`, {
      hint: `orch load takes one. For several: orch build ${[to, ...more].map(text => `-e '${text}'`).join(' ')}.`,
    })
  }
  const wanted = parseExport(to)
  const known = runtimeNames(plugins)
  if (known.includes(wanted.exporter)) return { exports: [wanted], notes: [] }
  const [, runtime = '', name] = /^([\w-]+):(?:\/\/)?(.+)$/s.exec(wanted.exporter) ?? []
  const near = known.includes(runtime)
    ? `Write -t ${name} --to ${runtime}.`
    : didYouMean(wanted.exporter, known)
  const elsewhere = 'To put images elsewhere: orch build --export NAME.'
  throw new UsageError(
    'RUNTIME_UNKNOWN',
    `${JSON.stringify(wanted.exporter)} is no container runtime; expected one of ${known.join(', ')}`,
    { hint: near === undefined ? elsewhere : `${near} ${elsewhere}` },
  )
}

/** An image that exists is not built: whoever names one wants `copy`. */
async function refuseSources(
  { cwd, interruption }: Session,
  images: readonly string[],
  to: readonly string[] = runtimeNames(defaultPlugins()),
): Promise<void> {
  const schemes = defaultPlugins().flatMap(({ sources = [] }) => sources)
  const isSource = (text: string): boolean =>
    schemes.some(scheme => text.startsWith(`${scheme}:`)) || /\.tar(?:\.\w+)?$/.test(text)
  const source = images.find(isSource)
  if (source === undefined) return
  const isNamed = schemes.some(scheme => source.startsWith(`${scheme}:`))
  const scheme = isNamed ? '' : await archiveScheme(resolve(cwd, source), interruption.signal)
  const ways = to.map(text => `orch copy ${scheme}${source} ${quoted(text)}`)
  throw new UsageError(
    'LOAD_SOURCE',
    `${source} names an image that exists; orch load builds images of the project`,
    { hint: `To load it as it is: ${ways.join(', or ')}` },
  )
}

/** Which source reads the archive, where one look at it tells; else that of the most archives. */
async function archiveScheme(path: string, signal: AbortSignal): Promise<string> {
  try {
    const archive = await openArchive(path, { signal })
    await archive.close()
    return `${archive.format === 'docker' ? 'docker' : 'oci'}-archive:`
  } catch {
    return 'oci-archive:' // What is wrong with it is told by the copy.
  }
}

/** For the shell. */
function quoted(text: string): string {
  return /^[\w,=./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
