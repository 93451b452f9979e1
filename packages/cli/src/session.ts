import { resolve } from 'node:path'
import { loadProject, type Project } from '@orch/config'
import { createOrch, type Orch } from '@orch/core'
import type { Interruption } from './interrupt.ts'
import { defaultPlugins } from './plugins.ts'

/** Options that every command takes, as commander leaves them. */
export interface GlobalOptions {
  /** `-C`: the folder to work in. */
  readonly directory?: string
  /** `-f`: the project file. */
  readonly file?: string
  readonly verbose?: boolean
}

/** What a command works with. */
export interface Session {
  readonly cwd: string
  readonly options: GlobalOptions
  readonly interruption: Interruption
  /** Writes a line of the result to standard output. */
  print(line: string): void
}

export function workingDirectory({ directory }: GlobalOptions): string {
  return resolve(directory ?? '.')
}

/** The project around the working directory. Throws what `loadProject` throws. */
export function openProject({ cwd, options }: Session): Promise<Project> {
  return loadProject({ cwd, file: options.file, builtins: defaultPlugins(), env: process.env })
}

/** Does `work` with the built-in plugins alone, for commands that need no project. */
export async function withSources<T>(
  { cwd, interruption }: Session,
  work: (orch: Orch) => Promise<T>,
): Promise<T> {
  const orch = await createOrch({
    plugins: defaultPlugins(),
    root: cwd,
    signal: interruption.signal,
  })
  try {
    return await work(orch)
  } finally {
    await orch.close()
  }
}
