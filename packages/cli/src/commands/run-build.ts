import type { Project } from '@orch/config'
import { createOrch, type Plan } from '@orch/core'
import type { Command } from 'commander'
import { type Session, settingOf } from '../session.ts'
import { addElsewhere } from './elsewhere.ts'
import { addOutput, type OutputOptions, tellResult, withProgress } from './output.ts'

/** The options of every command that builds, as commander leaves them. */
export interface BuildingOptions extends OutputOptions {
  readonly offline?: boolean
  readonly allow?: readonly string[]
}

/** Adds the options that say what a build may do, and how it is told. */
export function addBuilding(command: Command): Command {
  return addOutput(addElsewhere(command))
    .option('--offline', 'touch no network')
    .option(
      '--allow <name>',
      'allow what a project file may not ask for by itself, such as -toolexec; may be repeated',
      (value: string, before: readonly string[] = []) => [...before, ...value.split(',')],
    )
}

/**
 * Builds a plan of the project and tells what came of it. Gives the exit code.
 * @param notes lines to be told before, among the progress
 */
export async function runBuild(
  session: Session,
  project: Project,
  plan: Plan,
  options: BuildingOptions,
  notes: readonly string[] = [],
): Promise<number> {
  const orch = await createOrch({
    ...settingOf(project),
    root: project.root,
    signal: session.interruption.signal,
    offline: options.offline ?? false,
    allow: options.allow ?? [],
  })
  try {
    const result = await withProgress(orch.events, options, () => {
      for (const message of notes) orch.events.emit({ type: 'log', level: 'info', message })
      return orch.build(plan)
    })
    return await tellResult(session, result, options)
  } finally {
    await orch.close()
  }
}
