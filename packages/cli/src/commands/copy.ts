import { normalizeTag, parsePlatforms, planDestinations } from '@orch/config'
import type { ExportPlan, Orch } from '@orch/core'
import { localPlatform, type Platform, parsePlatform, UsageError } from '@orch/oci'
import { type Command, Option } from 'commander'
import { copyImages } from '../copy/copy.ts'
import { addInsecure, insecureSource } from '../open-image.ts'
import type { Runner } from '../runner.ts'
import { namedSetting, type Session, withSources } from '../session.ts'
import { addExporterHelp } from './exporter-help.ts'
import { addOutput, type OutputOptions, tellResult, withProgress } from './output.ts'
import { append } from './select.ts'

interface CopyOptions extends OutputOptions {
  readonly platform?: readonly string[]
  readonly name?: readonly string[]
  readonly referrers?: boolean
  readonly insecure?: boolean
}

const description = [
  'copy images that exist, whole and unchanged',
  'The source is as for inspect; without a name, every image that it holds is copied. A destination (DEST) is a scheme with a place, or an exporter as --export has it; its options follow after commas. docker:name is Docker Engine, docker://host/name a registry. With several destinations everything is read once. Images keep their names unless the destination or --name gives others. When anything is missing, nothing is written.',
  'No project is needed. With -f, the plugins of that project count too.',
].join('\n\n')

/** `orch copy`: images that exist, from any medium to any other. */
export function addCopy(program: Command, run: Runner): void {
  const command = program
    .command('copy')
    .summary('copy images from any medium to any other')
    .description(description)
    .argument(
      '<source>',
      'such as example.com/x:1, oci:dist/oci:name, oci-archive:x.tar, containerd:[namespace/]name, docker-daemon:name',
    )
    .argument(
      '<dest...>',
      'such as docker://example.com/x:1, oci:dist/oci, containerd:[namespace/]name, docker:name, layout,dest=dist/oci',
    )
    .addOption(
      new Option(
        '--platform <list>',
        'only these platforms: a comma list, may be repeated; local',
      ).argParser(append),
    )
    .addOption(
      new Option(
        '--name <reference>',
        'a name for the image, may be repeated; instead of those that it has',
      ).argParser(append),
    )
    .option(
      '--referrers',
      'also what refers to the image, such as signatures and SBOMs; from registry to registry',
    )
  addOutput(addInsecure(addExporterHelp(command))).action(run(copy))
}

async function copy(
  session: Session,
  source: string,
  destinations: readonly string[],
  options: CopyOptions,
): Promise<number> {
  const { cwd } = session
  const setting = await namedSetting(session)
  const { plugins } = setting
  const insecure = options.insecure === true ? { insecure: 'true' } : {}
  const named = options.insecure === true ? insecureSource(source, plugins) : undefined
  const exports = await planDestinations(destinations, {
    plugins,
    root: cwd,
    shared: {
      ...(options.referrers === true ? { referrers: 'true' } : {}),
      // Some registry must be there for it: that of the source, or that of a destination.
      ...(named === undefined ? insecure : {}),
    },
    offered: insecure,
  })
  const platforms = platformsOf(options.platform ?? [])
  const names = [...new Set((options.name ?? []).map(normalizeTag))]
  if (names.length > 0) refuseNames(exports)
  const work = async (orch: Orch): Promise<number> => {
    const { signal } = session.interruption
    const result = await withProgress(orch.events, options, () =>
      copyImages(orch, named ?? source, exports, { names, platforms, signal }),
    )
    return tellResult(session, result, options)
  }
  return withSources(session, work, setting)
}

/** A destination's own name, or its `names=`, would silently win over that of --name. */
function refuseNames(exports: readonly ExportPlan[]): void {
  const [name] = exports.flatMap(({ references = [], options }) => [
    ...references,
    ...((options as { readonly names?: readonly string[] } | undefined)?.names ?? []),
  ])
  if (name === undefined) return
  throw new UsageError('NAME_TWICE', `a destination gives the name ${name}, and --name another`, {
    hint: 'Leave out one of them, or give each destination its own name.',
  })
}

/** The platforms that are asked for; none stands for all. */
function platformsOf(values: readonly string[]): readonly Platform[] {
  const texts = parsePlatforms(values)
  if (texts.includes('all')) return []
  return texts.map(text => (text === 'local' ? localPlatform() : parsePlatform(text)))
}
