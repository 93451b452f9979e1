import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Programs in Go that no package of the system has in the version the tests want. */
interface Tool {
  /** Without the `v`. */
  readonly version: string
  readonly module: string
  /** The commands to install, as folders in the module. */
  readonly commands: readonly string[]
}

type ToolName = 'containerd' | 'dockerd' | 'registry' | 'crane' | 'regctl'

/** All of them; scripts/services.sh installs those that are missing. */
export const tools: Readonly<Record<ToolName, Tool>> = {
  containerd: {
    version: '2.4.2',
    module: 'github.com/containerd/containerd/v2',
    commands: ['cmd/containerd', 'cmd/containerd-shim-runc-v2', 'cmd/ctr'],
  },
  dockerd: {
    version: '2.0.0-beta.24',
    module: 'github.com/moby/moby/v2',
    commands: ['cmd/dockerd'],
  },
  registry: {
    version: '3.1.2',
    module: 'github.com/distribution/distribution/v3',
    commands: ['cmd/registry'],
  },
  crane: {
    version: '0.22.1',
    module: 'github.com/google/go-containerregistry',
    commands: ['cmd/crane'],
  },
  regctl: {
    version: '0.11.7',
    module: 'github.com/regclient/regclient',
    commands: ['cmd/regctl'],
  },
}

/** Where they are kept between runs, a folder each: outside the repository, as they are the machine's. */
export const toolsFolder: string = join(
  process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'),
  'orch-test/tools',
)

/** The folder that holds a tool's programs; only there once all of them are. */
export function toolFolder(name: ToolName): string {
  return join(toolsFolder, `${name}-${tools[name].version}`)
}

/** The program of a tool that has one, by the tool's own name. */
export function toolProgram(name: ToolName): string {
  return join(toolFolder(name), name)
}

/** Why a tool cannot be had, or `undefined` when it is there. */
export function whyNotInstalled(name: ToolName): string | undefined {
  if (existsSync(toolFolder(name))) return undefined
  return `${name} ${tools[name].version} is not installed (scripts/services.sh does that)`
}
