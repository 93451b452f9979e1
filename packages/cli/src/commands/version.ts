import type { Command } from 'commander'
import type { Runner } from '../runner.ts'
import { version } from '../version.ts'

/** `orch version`: of orch and of what its output depends on. */
export function addVersion(program: Command, run: Runner): void {
  program
    .command('version')
    .description('print the versions of orch and of what its output depends on')
    .action(
      run(async session => {
        const { node, zlib, zstd } = process.versions
        session.print(`orch ${version}`)
        session.print(
          `node ${node}, zlib ${zlib}, zstd ${zstd}, ${process.platform}/${process.arch}`,
        )
        return 0
      }),
    )
}
