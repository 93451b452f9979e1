import { resolve } from 'node:path'
import type { Events } from '@orch/core'
import { messageOf, OrchError, writeFileAtomic } from '@orch/oci'
import {
  createReporter,
  exitCodeOf,
  type ProgressMode,
  type Result,
  resultDocument,
  resultLines,
} from '@orch/report'
import { type Command, Option } from 'commander'
import { tellFailures } from '../failures.ts'
import type { Session } from '../session.ts'

/** How progress is told, as commander leaves it. */
export interface ProgressOptions {
  readonly progress: ProgressMode
}

/** The options of every command that exports images, as commander leaves them. */
export interface OutputOptions extends ProgressOptions {
  readonly json?: boolean
  readonly metadataFile?: string
}

/** Adds the options that say how progress and result are told. */
export function addOutput(command: Command): Command {
  return addProgress(
    command
      .option('--json', 'print the result as JSON')
      .option('--metadata-file <file>', 'also write the result there, as JSON'),
  )
}

/** Adds the option that says how progress is told. */
export function addProgress(command: Command): Command {
  return command.addOption(
    new Option('--progress <mode>', 'how progress is shown on standard error')
      .choices(['auto', 'tty', 'plain', 'rawjson', 'quiet'])
      .default('auto'),
  )
}

/** Shows on standard error what `work` says while it runs; gives what it made. */
export async function withProgress<T>(
  events: Events,
  { progress }: ProgressOptions,
  work: () => Promise<T>,
): Promise<T> {
  const reporter = await createReporter(progress, { stream: process.stderr, env: process.env })
  const end = events.subscribe(reporter.listener)
  try {
    return await work()
  } finally {
    reporter.close()
    end()
  }
}

/** Tells what came of it: the result on standard output, failures on standard error. Gives the exit code. */
export async function tellResult(
  session: Session,
  result: Result,
  { json, metadataFile }: OutputOptions,
): Promise<number> {
  const document = `${JSON.stringify(resultDocument(result), null, 2)}\n`
  if (json === true) session.print(document.trimEnd())
  else for (const line of resultLines(result)) session.print(line)
  const errors = [...result.errors, ...result.images.flatMap(image => image.errors)]
  if (metadataFile !== undefined) {
    const file = resolve(session.cwd, metadataFile)
    await writeFileAtomic(file, document).catch(error => errors.push(metadataError(file, error)))
  }
  const interrupted = session.interruption.exitCode() !== undefined
  tellFailures(errors, { interrupted, verbose: session.options.verbose })
  return exitCodeOf(errors, interrupted)
}

function metadataError(file: string, cause: unknown): Error {
  if (cause instanceof OrchError) return cause
  return new OrchError('METADATA_FAILED', `${file} cannot be written: ${messageOf(cause)}`, {
    hint: 'Its folder must exist.',
    cause,
  })
}
