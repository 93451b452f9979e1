import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { loadProject, type Project } from '@orch/config'
import { createOrch, type Orch, type OrchOptions } from '@orch/core'
import { OrchError, UsageError } from '@orch/oci'
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

/** Where to work. Throws `DIRECTORY_MISSING` when `-C` names no folder. */
export function workingDirectory({ directory }: GlobalOptions): string {
  const folder = resolve(directory ?? '.')
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return folder
  throw new UsageError('DIRECTORY_MISSING', `-C ${directory}: there is no such folder`, {
    hint: 'Give the folder of a project.',
  })
}

/** The project around the working directory. Throws what `loadProject` throws. */
export function openProject({ cwd, options }: Session): Promise<Project> {
  return loadProject({ cwd, file: options.file, builtins: defaultPlugins(), env: process.env })
}

/** What orch is made of for a command. */
type Setting = Pick<OrchOptions, 'plugins' | 'settings'>

/** The plugins of a project, and what its file tells them. */
export function settingOf({ plugins, settings }: Project): Setting {
  return { plugins, settings }
}

/** For commands that need no project: that of `-f`, else the built-in plugins alone. */
export async function namedSetting(session: Session): Promise<Setting> {
  if (session.options.file === undefined) return { plugins: defaultPlugins() }
  return settingOf(await openProject(session))
}

/** Does `work` outside of a project, with the plugins of the one that `-f` names unless others are given. */
export async function withSources<T>(
  session: Session,
  work: (orch: Orch) => Promise<T>,
  setting?: Setting,
): Promise<T> {
  const { cwd, interruption } = session
  const options = {
    ...(setting ?? (await namedSetting(session))),
    root: cwd,
    signal: interruption.signal,
  }
  let spare: string | undefined
  const orch = await createOrch(options).catch(async error => {
    // To look at an image or to copy it needs no cache of its own; what little is kept meanwhile goes elsewhere.
    if (!(error instanceof OrchError && error.code === 'CACHE_UNUSABLE')) throw error
    spare = await mkdtemp(join(tmpdir(), 'orch-store-'))
    return createOrch({ ...options, store: { root: spare } })
  })
  try {
    return await work(orch)
  } finally {
    await orch.close()
    if (spare !== undefined) await rm(spare, { recursive: true, force: true })
  }
}
