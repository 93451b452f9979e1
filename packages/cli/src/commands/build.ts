import { resolve } from 'node:path'
import { createOrch } from '@orch/core'
import { messageOf, OrchError, writeFileAtomic } from '@orch/oci'
import {
  createReporter,
  exitCodeOf,
  type ProgressMode,
  resultDocument,
  resultLines,
} from '@orch/report'
import { type Command, Option } from 'commander'
import { tellFailures } from '../failures.ts'
import type { Runner } from '../runner.ts'
import { openProject, type Session } from '../session.ts'
import { printPlan } from './plan.ts'
import { addSelection, type SelectOptions, selectionOf } from './select.ts'

interface BuildOptions extends SelectOptions {
  readonly json?: boolean
  readonly metadataFile?: string
  readonly progress: ProgressMode
  readonly dryRun?: boolean
  readonly offline?: boolean
  readonly allow?: readonly string[]
}

/** `orch build`: source to images to where they are wanted. */
export function addBuild(program: Command, run: Runner): void {
  addSelection(program.command('build').description('build images and export them'))
    .option('--json', 'print the result as JSON')
    .option('--metadata-file <file>', 'also write the result there, as JSON')
    .addOption(
      new Option('--progress <mode>', 'how progress is shown on standard error')
        .choices(['auto', 'tty', 'plain', 'rawjson', 'quiet'])
        .default('auto'),
    )
    .option('--dry-run', 'print what would be built, and build nothing')
    .option('--offline', 'touch no network')
    .option(
      '--allow <name>',
      'allow what a project file may not ask for by itself, such as -toolexec; may be repeated',
      (value: string, before: readonly string[] = []) => [...before, ...value.split(',')],
    )
    .action(run(build))
}

async function build(
  session: Session,
  images: readonly string[],
  options: BuildOptions,
): Promise<number> {
  const { signal } = session.interruption
  const project = await openProject(session)
  const plan = await project.toPlan(selectionOf(images, options))
  if (options.dryRun === true) return printPlan(session, plan, options.json === true)
  const orch = await createOrch({
    plugins: project.plugins,
    root: project.root,
    signal,
    offline: options.offline ?? false,
    allow: options.allow ?? [],
  })
  const reporter = createReporter(options.progress, { stream: process.stderr, env: process.env })
  orch.events.subscribe(reporter.listener)
  try {
    const result = await orch.build(plan)
    reporter.close()
    const document = `${JSON.stringify(resultDocument(result), null, 2)}\n`
    if (options.json === true) session.print(document.trimEnd())
    else for (const line of resultLines(result)) session.print(line)
    const errors = [...result.errors, ...result.images.flatMap(image => image.errors)]
    if (options.metadataFile !== undefined) {
      const file = resolve(session.cwd, options.metadataFile)
      await writeFileAtomic(file, document).catch(error => errors.push(metadataError(file, error)))
    }
    const interrupted = session.interruption.exitCode() !== undefined
    tellFailures(errors, { interrupted, verbose: session.options.verbose })
    return exitCodeOf(errors, interrupted)
  } finally {
    reporter.close()
    await orch.close()
  }
}

function metadataError(file: string, cause: unknown): Error {
  if (cause instanceof OrchError) return cause
  return new OrchError('METADATA_FAILED', `${file} cannot be written: ${messageOf(cause)}`, {
    hint: 'Its folder must exist.',
    cause,
  })
}
