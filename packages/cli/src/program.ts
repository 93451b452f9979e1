import { Command } from 'commander'
import { addBuild } from './commands/build.ts'
import { addCache } from './commands/cache.ts'
import { addConfig } from './commands/config.ts'
import { addCopy } from './commands/copy.ts'
import { addDigest } from './commands/digest.ts'
import { addFetch } from './commands/fetch.ts'
import { addInit } from './commands/init.ts'
import { addInspect } from './commands/inspect.ts'
import { addLoad } from './commands/load.ts'
import { addLock } from './commands/lock.ts'
import { addLs } from './commands/ls.ts'
import { addPlan } from './commands/plan.ts'
import { addTag } from './commands/tag.ts'
import { addValidate } from './commands/validate.ts'
import { addVersion } from './commands/version.ts'
import type { Interruption } from './interrupt.ts'
import type { Runner } from './runner.ts'
import { type GlobalOptions, type Session, workingDirectory } from './session.ts'
import { version } from './version.ts'

/** What a command leaves for the process. */
export interface ProgramState {
  exitCode: number
}

/** The command line of orch. */
export function createProgram(interruption: Interruption, state: ProgramState): Command {
  const program = new Command('orch')
    .description(
      'Turns source code into multi-platform OCI images and puts the whole index where it is wanted.',
    )
    .version(version, '-V, --version', 'print the version')
    .option('-C, --directory <dir>', 'work in this folder')
    .option(
      '-f, --file <file>',
      'the project file, instead of the nearest orch.yaml or orch.config.ts',
    )
    .option('--verbose', 'print the causes of errors whole')
    .showHelpAfterError('(orch --help lists the commands)')
    .exitOverride()
  const run: Runner =
    <T extends unknown[]>(work: (session: Session, ...args: T) => Promise<number>) =>
    async (...args: [...T, Command]) => {
      const rest = args.slice(0, -1) as unknown as T // commander puts the command itself last
      const options = program.opts<GlobalOptions>()
      const print = (line: string): void => {
        process.stdout.write(`${line}\n`)
      }
      const session = { cwd: workingDirectory(options), options, interruption, print }
      state.exitCode = await work(session, ...rest)
    }
  for (const add of [
    addBuild,
    addLoad,
    addCopy,
    addTag,
    addDigest,
    addLs,
    addPlan,
    addLock,
    addFetch,
    addInspect,
    addValidate,
    addCache,
    addInit,
    addConfig,
    addVersion,
  ]) {
    add(program, run)
  }
  for (const command of program.commands) {
    command.showHelpAfterError(`(orch ${command.name()} --help lists its options)`)
  }
  return program
}
