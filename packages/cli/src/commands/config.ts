import { projectSchema } from '@orch/config'
import type { Command } from 'commander'
import { defaultPlugins } from '../plugins.ts'
import type { Runner } from '../runner.ts'

/** `orch config schema`: what editors complete project files by. */
export function addConfig(program: Command, run: Runner): void {
  program
    .command('config')
    .description('about project files')
    .command('schema')
    .description('print the JSON Schema of orch.yaml')
    .action(
      run(async session => {
        session.print(JSON.stringify(projectSchema(defaultPlugins()), null, 2))
        return 0
      }),
    )
}
