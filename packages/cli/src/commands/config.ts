import { projectSchema } from '@orch/config'
import type { Plugin } from '@orch/core'
import { OrchError } from '@orch/oci'
import type { Command } from 'commander'
import { defaultPlugins } from '../plugins.ts'
import type { Runner } from '../runner.ts'
import { openProject, type Session } from '../session.ts'

/** `orch config schema`: what editors complete project files by. */
export function addConfig(program: Command, run: Runner): void {
  program
    .command('config')
    .description('about project files')
    .command('schema')
    .description("print the JSON Schema of orch.yaml, with the keys of the project's plugins")
    .action(
      run(async session => {
        session.print(JSON.stringify(projectSchema(await pluginsOf(session)), null, 2))
        return 0
      }),
    )
}

/** The plugins of the project around, or the built-in ones where there is none. */
async function pluginsOf(session: Session): Promise<readonly Plugin[]> {
  try {
    return (await openProject(session)).plugins
  } catch (error) {
    if (error instanceof OrchError && error.code === 'CONFIG_NOT_FOUND') return defaultPlugins()
    throw error
  }
}
