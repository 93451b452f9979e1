import type { Command } from 'commander'
import type { Runner } from '../runner.ts'
import { openProject, type Session } from '../session.ts'
import { addExporterHelp } from './exporter-help.ts'
import { printPlan } from './plan.ts'
import { addBuilding, type BuildingOptions, runBuild } from './run-build.ts'
import { addExports, addSelection, type ExportsOptions, selectionOf } from './select.ts'

interface BuildOptions extends ExportsOptions, BuildingOptions {
  readonly dryRun?: boolean
}

/** `orch build`: source to images to where they are wanted. */
export function addBuild(program: Command, run: Runner): void {
  const command = program.command('build').description('build images and export them')
  addBuilding(addExporterHelp(addExports(addSelection(command))))
    .option('--dry-run', 'print what would be built, and build nothing')
    .action(run(build))
}

async function build(
  session: Session,
  images: readonly string[],
  options: BuildOptions,
): Promise<number> {
  const project = await openProject(session)
  const plan = await project.toPlan(selectionOf(images, options))
  return options.dryRun === true
    ? printPlan(session, plan, options.json === true)
    : runBuild(session, project, plan, options)
}
